import { quote } from '../parsing/quote.ts';
import {
  addProblem,
  defined,
  isGiven,
  sectionAt,
  sectionsAt,
  textAt,
  textMapAt,
  textsAt,
  type Section,
} from '../parsing/section.ts';

/**
 * `In`: the label has one of the values. `NotIn`: it has none of them, or is absent. `Exists`, `DoesNotExist`: it is present or absent,
 * whatever its value.
 */
export type SelectorOperator = 'In' | 'NotIn' | 'Exists' | 'DoesNotExist';

/** A condition on one label. `values`: only with `In` and `NotIn`. */
export interface LabelRequirement {
  /** Key of the label with its prefix, such as `app.kubernetes.io/name`: at most 253 characters, a slash and 63 characters. */
  readonly key: string;
  /** What must be true of the label. */
  readonly operator: SelectorOperator;
  /** One to 16 values of at most 63 characters with `In` and `NotIn`; absent or empty otherwise. */
  readonly values?: readonly string[];
}

/** As in Kubernetes: all conditions must be met. An empty selector selects everything. */
export interface LabelSelector {
  /** The value that each of these labels must have. The parsers refuse more than 8. */
  readonly matchLabels?: Readonly<Record<string, string>>;
  /** Further conditions, all of which must be met. The parsers refuse more than 8. */
  readonly matchExpressions?: readonly LabelRequirement[];
}

/** Values by key, as in `metadata.labels` of an object. Keys include their prefix. */
export type Labels = Readonly<Record<string, string>>;

/** Sufficient for real selectors, and cheap to evaluate. The schemas contain the same limits. */
export const selectorLimits = { labels: 8, expressions: 8, values: 16 } as const;
export const longestLabelKey = 317;
export const longestLabelValue = 63;
/** What to do about a bad key. */
export const keyRule =
  'write a name of at most 63 letters, digits, "-", "_" and ".", or a domain of at most 253 characters, "/" and a name';

const word = '[A-Za-z0-9](?:[\\-A-Za-z0-9_.]{0,61}[A-Za-z0-9])?';
const domain = '[a-z0-9](?:[\\-a-z0-9]*[a-z0-9])?(?:\\.[a-z0-9](?:[\\-a-z0-9]*[a-z0-9])?)*';
// The rules of Kubernetes, without look-ahead, which Go's regular expressions do not support. The hyphens are escaped for the flag `v` of
// JavaScript, which HTML's `pattern` has.
export const labelKeyPattern: string = /* @__PURE__ */ whole('(?:', domain, '/)?', word);
export const labelValuePattern: string = /* @__PURE__ */ whole('(?:', word, ')?');
/** A name of a Kubernetes object, such as a ServiceAccount; may be empty. */
export const objectNamePattern: string = /* @__PURE__ */ whole('(?:', domain, ')?');
export const namespacePattern = '^[a-z0-9](?:[\\-a-z0-9]{0,61}[a-z0-9])?$';

const labelKey = /* @__PURE__ */ new RegExp(labelKeyPattern);
const labelValue = /* @__PURE__ */ new RegExp(labelValuePattern);
const operators: ReadonlySet<string> = /* @__PURE__ */ new Set(['In', 'NotIn', 'Exists', 'DoesNotExist']);

function whole(...parts: string[]): string {
  return `^${parts.join('')}$`;
}

/** The schemas cannot limit the prefix, since the same pattern is for Go and JavaScript. */
const longestPrefix = 253;

export function isLabelKey(text: string): boolean {
  return text.length <= longestLabelKey && text.lastIndexOf('/') <= longestPrefix && labelKey.test(text);
}

export function isLabelValue(text: string): boolean {
  return labelValue.test(text);
}

/** Whether labels meet all conditions of the selector. Only own properties count as labels. */
export function selectsLabels(
  { matchLabels = {}, matchExpressions = [] }: LabelSelector,
  labels: Labels,
): boolean {
  return (
    Object.entries(matchLabels).every(([key, value]) => labelOf(labels, key) === value) &&
    matchExpressions.every((requirement) => isMet(requirement, labelOf(labels, requirement.key)))
  );
}

export function labelOf(labels: Labels, key: string): string | undefined {
  return Object.hasOwn(labels, key) ? labels[key] : undefined;
}

/** Whether a label of this value, or undefined for an absent one, meets the condition. */
function isMet({ operator, values = [] }: LabelRequirement, value: string | undefined): boolean {
  switch (operator) {
    case 'In':
      return value !== undefined && values.includes(value);
    case 'NotIn':
      return value === undefined || !values.includes(value);
    case 'Exists':
      return value !== undefined;
    case 'DoesNotExist':
      return value === undefined;
  }
}

export function isEmptySelector({ matchLabels = {}, matchExpressions = [] }: LabelSelector): boolean {
  return Object.keys(matchLabels).length === 0 && matchExpressions.length === 0;
}

/** The selector under a key; undefined if there is none. Unknown keys in it are problems: ignoring them would select more. */
export function readLabelSelector(section: Section, key: string): LabelSelector | undefined {
  if (!isGiven(section, key)) return undefined;
  const selector = sectionAt(section, key);
  refuseOthers(selector, ['matchLabels', 'matchExpressions']);
  const matchExpressions = isGiven(selector, 'matchExpressions')
    ? sectionsAt(selector, 'matchExpressions').map(readRequirement)
    : undefined;
  if ((matchExpressions?.length ?? 0) > selectorLimits.expressions)
    addProblem(selector, 'matchExpressions', `has more than ${selectorLimits.expressions} expressions`);
  return defined({ matchLabels: readMatchLabels(selector), matchExpressions });
}

/** The selector as text, in the syntax of `kubectl --selector`. */
export function selectorText({ matchLabels = {}, matchExpressions = [] }: LabelSelector): string {
  return [
    ...Object.entries(matchLabels).map(([key, value]) => `${key}=${value}`),
    ...matchExpressions.map(requirementText),
  ].join(',');
}

function requirementText({ key, operator, values = [] }: LabelRequirement): string {
  switch (operator) {
    case 'In':
      return `${key} in (${values.join(',')})`;
    case 'NotIn':
      return `${key} notin (${values.join(',')})`;
    case 'Exists':
      return key;
    case 'DoesNotExist':
      return `!${key}`;
  }
}

function readMatchLabels(selector: Section): Labels | undefined {
  const labels = textMapAt(selector, 'matchLabels');
  if (labels === undefined) return undefined;
  const [keys, values] = [Object.keys(labels), Object.values(labels)];
  if (keys.length > selectorLimits.labels)
    addProblem(selector, 'matchLabels', `has more than ${selectorLimits.labels} labels`);
  const badValue = values.find((value) => !isLabelValue(value));
  if (badValue !== undefined) addProblem(selector, 'matchLabels', `has ${noValue(badValue)}`);
  const badKey = keys.find((key) => !isLabelKey(key));
  if (badKey !== undefined)
    addProblem(selector, 'matchLabels', `has the key ${quote(badKey)}, which no label can have: ${keyRule}`);
  return labels;
}

function readRequirement(section: Section): LabelRequirement {
  refuseOthers(section, ['key', 'operator', 'values']);
  const key = textAt(section, 'key') ?? '';
  const operator = textAt(section, 'operator') ?? '';
  const values = textsAt(section, 'values');
  if (!isLabelKey(key)) addProblem(section, 'key', `is ${quote(key)}, which no label can have: ${keyRule}`);
  if (!isOperator(operator)) {
    addProblem(section, 'operator', 'must be In, NotIn, Exists or DoesNotExist');
    return { key, operator: 'In', values: [] };
  }
  const fault = valuesFault(operator, values ?? []);
  if (fault !== undefined) addProblem(section, 'values', fault);
  return defined({ key, operator, values });
}

function valuesFault(operator: SelectorOperator, values: readonly string[]): string | undefined {
  const wantsValues = operator === 'In' || operator === 'NotIn';
  if (!wantsValues) return values.length > 0 ? `must be empty with ${operator}` : undefined;
  if (values.length === 0) return `must have at least one value with ${operator}`;
  if (values.length > selectorLimits.values) return `has more than ${selectorLimits.values} values`;
  const bad = values.find((value) => !isLabelValue(value));
  return bad === undefined ? undefined : `has ${noValue(bad)}`;
}

/** For a message, after a verb: the value, why it is bad, and the remedy. */
export function noValue(value: string, so = ''): string {
  return `${quote(value)}, which no label can have as its value${so}: write at most 63 letters, digits, "-", "_" and ".", the first and last a letter or digit`;
}

/** Reports keys that are not known here. */
export function refuseOthers(section: Section, known: readonly string[]): void {
  for (const key of Object.keys(section.object))
    if (!known.includes(key)) addProblem(section, key, `is not known here: write ${known.join(', ')}`);
}

function isOperator(text: string): text is SelectorOperator {
  return operators.has(text);
}
