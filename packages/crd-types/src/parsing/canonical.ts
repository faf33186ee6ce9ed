// Room: reading and writing of objects from outside as JSON: fields, sections, spellings, problems.
// It must not do I/O, read a clock or the environment, or have a dependency.
import { attempt } from './attempt.ts';
import type { Kind } from './group.ts';
import type { Problem } from './problem.ts';
import { isJsonObject, type JsonObject } from './section.ts';
import {
  canonicalKey,
  chooseKeys,
  fieldLike,
  spellingOfKind,
  spellings,
  type Choice,
  type Spelling,
} from './spelling.ts';

/** An object with canonical keys. */
export interface Canonical<T> {
  /** The given object, if nothing had to change. */
  readonly object: T;
  /** Whether a key was respelled or removed. If not, `object` is the very object that was given. */
  readonly changed: boolean;
  /** One for each key that was respelled or removed. */
  readonly warnings: readonly Problem[];
}

/**
 * Rewrites the keys of an object of the four kinds to their canonical spelling, at any depth and from any case of the letters A to Z,
 * `kind` included. Unknown keys, labels, annotations and all values are kept, and so are keys of fields that AAD Pod Identity did not
 * have in 2018, such as `podSelector`: these have one spelling, and the parsers refuse another or a misspelt one. If a key is present in two spellings, one
 * value is kept: one that is neither null nor empty, then that of the old spelling for fields that users write, and that of the canonical
 * one for fields that controllers write. Objects of other kinds are returned unchanged. Never modifies the given object. What cannot be
 * read (a Proxy or a getter that throws) is returned unchanged.
 *
 * @example
 * ```ts
 * const { object, changed } = canonicalise({ kind: 'AzureIdentityBinding', spec: { AzureIdentity: 'a', Selector: 's' } });
 * console.log(object, changed); // { kind: 'AzureIdentityBinding', spec: { azureIdentity: 'a', selector: 's' } } true
 * ```
 */
export function canonicalise<T>(object: T): Canonical<T> {
  const unchanged = { object, changed: false, warnings: [] };
  return attempt(
    () => {
      const kind = kindOf(object);
      return kind === undefined ? unchanged : shown(canonicaliseAs(kind, object));
    },
    () => unchanged,
  );
}

/** One of the four kinds; undefined for others. */
function kindOf(object: unknown): Kind | undefined {
  if (!isJsonObject(object)) return undefined;
  const kind = object[chooseKeys(object, spellingOfKind).chosen.get('kind') ?? 'kind'];
  return typeof kind === 'string' && isKind(kind) ? kind : undefined;
}

function isKind(kind: string): kind is Kind {
  return Object.hasOwn(spellings, kind);
}

/** What canonicalisation finds for a parser. */
export interface CanonicalFor<T> extends Canonical<T> {
  /** Keys that look like a field which is read in one spelling alone. To ignore them could mean more pods than their author wrote. */
  readonly lookAlikes: readonly Problem[];
}

/** The same for an object of a given kind. */
export function canonicaliseAs<T>(kind: Kind, object: T): CanonicalFor<T> {
  const found = { warnings: [], lookAlikes: [] };
  const respelled = respell(object, { spelled: spellings[kind], given: '', canonical: '', ...found });
  // Only keys were renamed, which T does not express.
  return { object: respelled as T, changed: respelled !== object, ...found };
}

function shown<T>({ object, changed, warnings }: CanonicalFor<T>): Canonical<T> {
  return { object, changed, warnings };
}

type Path = readonly (string | number)[];

/** Finds the path of a place with the keys that the given object has there, from its path in canonical keys. */
export function givenPaths(kind: Kind, given: unknown): (canonicalPath: Path) => (string | number)[] {
  // The keys of an object, of which there can be a hundred thousand, are read once for all problems.
  const choices = new Map<JsonObject, Choice>();
  const choiceOf = (value: JsonObject, spelled: Spelling) => {
    const choice = choices.get(value) ?? chooseKeys(value, spelled);
    choices.set(value, choice);
    return choice;
  };
  return (canonicalPath) => {
    let spelled: Spelling | undefined = spellings[kind];
    let value = given;
    return canonicalPath.map((segment) => {
      if (spelled === undefined || !isJsonObject(value)) return segment;
      const key = choiceOf(value, spelled).chosen.get(String(segment)) ?? segment;
      spelled = spelled.inner.get(String(segment));
      value = value[key];
      return key;
    });
  };
}

interface SpellingScope {
  readonly spelled: Spelling;
  /** The path in the keys of the given object: empty, or ends in a dot. */
  readonly given: string;
  /** The same in canonical keys. */
  readonly canonical: string;
  readonly warnings: Problem[];
  readonly lookAlikes: Problem[];
}

/** More than all fields together. An editor can write a hundred thousand keys, each of which takes microseconds at every change. */
const mostKeys = 1_000;
const crowded =
  'has more than 1000 keys, of which one that was not looked at may be a misspelt field: remove the keys that are no fields';

function respell(value: unknown, scope: SpellingScope): unknown {
  if (!isJsonObject(value)) return value;
  if (Object.keys(value).length > mostKeys) {
    scope.lookAlikes.push({ path: scope.canonical.replace(/\.$/, ''), message: crowded });
    return value;
  }
  const choice = chooseKeys(value, scope.spelled);
  report(value, choice, scope);
  let changed = choice.ignored.length > 0;
  const entries = [...choice.chosen].map(([canonical, key]) => {
    const spelled = scope.spelled.inner.get(canonical);
    const before = value[key];
    const after = spelled === undefined ? before : respell(before, under(scope, { key, canonical, spelled }));
    changed ||= canonical !== key || after !== before;
    return [canonical, after] as const;
  });
  return changed ? Object.fromEntries(entries) : value;
}

interface Step {
  readonly key: string;
  readonly canonical: string;
  readonly spelled: Spelling;
}

function under(scope: SpellingScope, { key, canonical, spelled }: Step): SpellingScope {
  return {
    ...scope,
    spelled,
    given: `${scope.given}${key}.`,
    canonical: `${scope.canonical}${canonical}.`,
  };
}

function report(
  value: JsonObject,
  { ignored }: Choice,
  { spelled, given, canonical, ...lists }: SpellingScope,
): void {
  for (const { key, winner } of ignored)
    lists.warnings.push({
      path: `${given}${key}`,
      message: `is ignored, because ${given}${winner} is there as well: keep one of them, as ${canonicalKey(spelled, key)}`,
    });
  for (const key of Object.keys(value)) {
    const meant = canonicalKey(spelled, key);
    if (meant !== key)
      lists.warnings.push({ path: `${given}${key}`, message: `is an old spelling: write ${meant}` });
    const field = fieldLike(spelled, key);
    if (field !== undefined)
      lists.lookAlikes.push({
        path: `${canonical}${key}`,
        message: `is not a field: if ${field} is meant, write it in exactly this spelling, otherwise remove this key`,
      });
  }
}
