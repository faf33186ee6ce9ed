// The outcomes of docs/reference/errors.md: what the entries of one have in common once, and what differs by entry.
import { errorRows, type ErrorRow } from './error-rows.ts';
import { code } from './markdown.ts';

const textOfAdal = "adal: Refresh request failed. Status Code = '(status)'. Response body: (Azure’s message)";

/** Texts of the original in many entries, by the name that stands for them. */
export const recurring: readonly (readonly [name: string, text: string])[] = [
  [
    'not created',
    'getting assigned identities for pod default/web in CREATED state failed after 16 attempts, retry duration [5]s, error: <nil>. Check MIC pod logs for identity assignment errors',
  ],
  ['adal', textOfAdal],
];

/** A heading for each outcome, what its entries have in common, and an entry for each situation. */
export function outcomeParts(rows: readonly ErrorRow[] = errorRows): readonly string[] {
  return [...Map.groupBy(rows, ({ kind }) => kind)].flatMap(([kind, entries]) => {
    const facts = entries.map(factsOf);
    const common = titles.map((_, index) => commonOf(facts.map((those) => those[index] ?? '')));
    const shared = common.flatMap((fact, index) => (fact === undefined ? [] : [said(index, fact)]));
    const list = entries.map((entry, at) => entryOf(entry, facts[at] ?? [], common));
    return [`### ${code(kind)}`, ...(shared.length > 0 ? [`${shared.join('. ')}.`] : []), list.join('\n')];
  });
}

/** In the order of the facts. */
const titles = ['', 'Original: '];

/** Status with Retry-After and code; the original's response. */
function factsOf({ ours, original }: ErrorRow): readonly string[] {
  const { error } = parsed(ours.text);
  return [[statusOf(ours), ...(error === '' ? [] : [code(error)])].join(', '), named(original)];
}

function entryOf(
  { situation, ours }: ErrorRow,
  facts: readonly string[],
  common: readonly (string | undefined)[],
) {
  const { description } = parsed(ours.text);
  const own = facts.flatMap((fact, index) => (fact === common[index] ? [] : [said(index, fact)]));
  const [status, ...others] = facts[0] === common[0] ? ['', ...own] : own;
  const text = [status, code(description)].filter((part) => part !== '').join(', ');
  return `- **${upperFirst(situation)}**${text && `: ${text}`}${others.map((one) => `. ${one}`).join('')}`;
}

function said(index: number, fact: string): string {
  return `${titles[index] ?? ''}${fact}`;
}

/** What two entries or more have, and more entries than anything else. */
function commonOf(facts: readonly string[]): string | undefined {
  const [most] = [...Map.groupBy(facts, (fact) => fact).values()].toSorted(
    (one, other) => other.length - one.length,
  );
  return most !== undefined && most.length > 1 ? most[0] : undefined;
}

function statusOf({ status, retryAfter }: ErrorRow['ours']): string {
  return retryAfter === '' ? String(status) : `${status}, Retry-After ${retryAfter}`;
}

/** With the names of recurring texts in their place. */
function named(text: string): string {
  const withoutStatus = text.replaceAll(adalForm, textOfAdal);
  return recurring.reduce((rest, [name, one]) => rest.replaceAll(code(one), `*${name}*`), withoutStatus);
}

/** The original adds the endpoint, with the client id. */
const adalForm =
  /adal: Refresh request failed\. Status Code = '\d+'\. Response body: \(Azure’s message\)(?: Endpoint \([^)]*\))?/g;

/** The code is what comes before the reason in `error`. */
function parsed(body: string): { readonly error: string; readonly description: string } {
  if (body === '') return { error: '', description: '' };
  const { error, error_description: description } = JSON.parse(body) as Record<string, string>;
  return { error: (error ?? '').split(':', 1).join(''), description: description ?? '' };
}

const upperFirst = (text: string) => text.slice(0, 1).toUpperCase() + text.slice(1);
