// Room: reading and writing of objects from outside as JSON: fields, places, spellings, problems.
// It must not do I/O, read a clock or the environment, or have a dependency.
import type { Kind } from './group.ts';
import { isJsonObject, type JsonObject } from './section.ts';
import type { Problem } from './problem.ts';
import { fieldLike, spellings, type Spelling } from './spelling.ts';

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
 * Rewrites the keys of 2018 of an object of the four kinds, at any depth. All other keys, labels, annotations and all values are kept. If a
 * key is present in two spellings, one value is kept: one that is neither null nor empty, then that of the old spelling for fields that users
 * write, and that of the canonical one for fields that controllers write. Objects of other kinds are returned unchanged.
 *
 * @example
 * ```ts
 * const { object, changed } = canonicalise({ kind: 'AzureIdentityBinding', spec: { AzureIdentity: 'a', Selector: 's' } });
 * console.log(object, changed); // { kind: 'AzureIdentityBinding', spec: { azureIdentity: 'a', selector: 's' } } true
 * ```
 */
export function canonicalise<T>(object: T): Canonical<T> {
  const kind = isJsonObject(object) ? object['kind'] : undefined;
  if (typeof kind !== 'string' || !Object.hasOwn(spellings, kind))
    return { object, changed: false, warnings: [] };
  const { respelled, warnings } = respellAs(kind as Kind, object);
  // Only keys were renamed, which T does not express.
  return { object: respelled as T, changed: respelled !== object, warnings };
}

interface Found {
  readonly warnings: Problem[];
  /** Keys that are probably a guarded field. */
  readonly nearMisses: Problem[];
  /**
   * Of two spellings with values, below metadata and spec themselves, which the API server and policies read in one spelling alone. Stored
   * objects of users are rewritten, and schemas have defaults: what has the old spelling was written later, from an old file. Controllers of
   * 2018 wrote what today's write again.
   */
  readonly doesOldWin: boolean;
}

/** An object of a given kind with canonical keys, and what is to be said about the keys that it has. */
export function respellAs(kind: Kind, object: unknown): Found & { readonly respelled: unknown } {
  const found = { warnings: [], nearMisses: [], doesOldWin: kind !== 'AzureAssignedIdentity' };
  return { respelled: respell(object, { spelled: spellings[kind], path: '', ...found }), ...found };
}

interface Scope extends Found {
  readonly spelled: Spelling;
  /** Empty, or ends in a dot. */
  readonly path: string;
}

/** More than all fields together. An editor can write a hundred thousand keys, each of which takes microseconds at every change. */
const mostKeys = 1_000;
const crowded =
  'has more than 1000 keys, of which one that was not looked at may be a misspelt field: remove the keys that are no fields';

function respell(value: unknown, scope: Scope): unknown {
  if (!isJsonObject(value)) return value;
  const { spelled, path } = scope;
  if (Object.keys(value).length > mostKeys) {
    scope.nearMisses.push({ path: path.slice(0, -1), message: crowded });
    return value;
  }
  const chosen = chooseKeys(value, scope);
  let isSame = chosen.size === Object.keys(value).length;
  const entries = Array.from(chosen, ([meant, key]) => {
    const inner = spelled.inner.get(meant);
    const after = inner
      ? respell(value[key], { ...scope, spelled: inner, path: `${path}${key}.` })
      : value[key];
    isSame &&= meant === key && after === value[key];
    return [meant, after] as const;
  });
  return isSame ? value : Object.fromEntries(entries);
}

/** The key whose value counts, by canonical key. */
function chooseKeys(value: JsonObject, scope: Scope): ReadonlyMap<string, string> {
  const { spelled, path, warnings, doesOldWin } = scope;
  const chosen = new Map<string, string>();
  for (const key of Object.keys(value)) {
    const meant = spelled.aliases.get(key) ?? key;
    report(key, meant, scope);
    const rival = chosen.get(meant) ?? key;
    const winner = preferred([key, rival], value, (one) => (one !== meant) === (doesOldWin && path !== ''));
    chosen.set(meant, winner);
    if (rival !== key)
      warnings.push({
        path: path + (winner === key ? rival : key),
        message: `is ignored, because ${path}${winner} is there as well: keep one of them, as ${meant}`,
      });
  }
  return chosen;
}

function report(key: string, meant: string, { spelled, path, warnings, nearMisses }: Scope): void {
  if (meant !== key) warnings.push({ path: path + key, message: `is an old spelling: write ${meant}` });
  const field = fieldLike(spelled, key);
  if (field !== undefined)
    nearMisses.push({
      path: path + key,
      message: `is not a field: if ${field} is meant, write it in exactly this spelling, otherwise remove this key`,
    });
}

/** A value before none, then the spelling that wins, then the first by the alphabet. */
function preferred(
  [key, rival]: readonly [string, string],
  value: JsonObject,
  wins: (key: string) => boolean,
): string {
  const rank = (one: string) => Number(isNone(value[one])) * 2 + Number(!wins(one));
  return rank(key) < rank(rival) || (rank(key) === rank(rival) && key < rival) ? key : rival;
}

function isNone(value: unknown): boolean {
  return value === undefined || value === null || value === '';
}
