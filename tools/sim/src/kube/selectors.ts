import { badRequest } from './status.ts';

export type Predicate = (values: Readonly<Record<string, string>>) => boolean;

const everything: Predicate = () => true;

const key = String.raw`(?:[A-Za-z0-9.-]+/)?[A-Za-z0-9](?:[A-Za-z0-9_.-]*[A-Za-z0-9])?`;
const value = String.raw`[A-Za-z0-9_.-]*`;

interface Form {
  readonly pattern: RegExp;
  readonly read: (key: string, values: readonly string[]) => Predicate;
}

/** https://kubernetes.io/docs/concepts/overview/working-with-objects/labels/#label-selectors */
const forms: readonly Form[] = [
  {
    pattern: new RegExp(`^(${key})\\s*(?:==?)\\s*(${value})$`),
    read:
      (name, [wanted]) =>
      (labels) =>
        labels[name] === wanted,
  },
  {
    pattern: new RegExp(`^(${key})\\s*!=\\s*(${value})$`),
    read:
      (name, [unwanted]) =>
      (labels) =>
        labels[name] !== unwanted,
  },
  {
    pattern: new RegExp(`^(${key})\\s+in\\s*\\(([^()]*)\\)$`),
    read: (name, wanted) => (labels) => wanted.includes(labels[name] ?? '\0'),
  },
  {
    pattern: new RegExp(`^(${key})\\s+notin\\s*\\(([^()]*)\\)$`),
    read: (name, unwanted) => (labels) => !unwanted.includes(labels[name] ?? '\0'),
  },
  { pattern: new RegExp(`^(${key})$`), read: (name) => (labels) => name in labels },
  { pattern: new RegExp(`^!\\s*(${key})$`), read: (name) => (labels) => !(name in labels) },
];

/** Splits at commas outside parentheses. */
const requirements = (selector: string): string[] =>
  selector.split(/,(?![^(]*\))/).map((part) => part.trim());

function parseRequirement(text: string): Predicate {
  for (const { pattern, read } of forms) {
    const [, name, values = ''] = pattern.exec(text) ?? [];
    if (name !== undefined)
      return read(
        name,
        values.split(',').map((item) => item.trim()),
      );
  }
  throw badRequest(`unable to parse requirement: ${JSON.stringify(text)} is not a label requirement`);
}

const all =
  (predicates: readonly Predicate[]): Predicate =>
  (values) =>
    predicates.every((predicate) => predicate(values));

export function parseLabelSelector(selector: string): Predicate {
  return selector.trim() === '' ? everything : all(requirements(selector).map(parseRequirement));
}

/** @param supported the fields this resource can be selected by. */
export function parseFieldSelector(selector: string, supported: ReadonlySet<string>): Predicate {
  // Empty terms are passed over, and spaces are part of a name.
  const terms = selector.split(',').filter((term) => term !== '');
  return all(
    terms.map((term) => {
      const [, field = '', operator = '', wanted = ''] = /^([^=!]+)(==?|!=)(.*)$/.exec(term) ?? [];
      if (operator === '') throw badRequest(`invalid selector: '${selector}'; can't understand '${term}'`);
      if (!supported.has(field)) throw badRequest(`field label not supported: ${field}`);
      return operator === '!='
        ? (fields: Readonly<Record<string, string>>) => (fields[field] ?? '') !== wanted
        : (fields: Readonly<Record<string, string>>) => (fields[field] ?? '') === wanted;
    }),
  );
}
