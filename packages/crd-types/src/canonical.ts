import type { Kind } from './group.ts';
import type { Problem } from './problem.ts';
import { isJsonObject, type JsonObject } from './section.ts';

/**
 * How the keys of an object are spelled today. The first releases (2018) read keys in any case and documented
 * `ResourceID`, `ClientID`, `Selector`; objects and files written for them are still in use.
 */
interface Spelling {
  /** Canonical keys by their lower case. All other keys are data or unknown, and are kept. */
  readonly keys: ReadonlyMap<string, string>;
  /** How the objects under some of the keys are spelled. */
  readonly inner: ReadonlyMap<string, Spelling>;
  /**
   * Which value counts if a key is present in two spellings. In what users write it is the `other`: stored objects are
   * rewritten to canonical keys, so another spelling beside one came later, from a file that still has the old spelling.
   * In what controllers write it is the `canonical`.
   */
  readonly wins: 'canonical' | 'other';
}

function spelling(
  wins: Spelling['wins'],
  keys: readonly string[],
  inner: Readonly<Record<string, Spelling>> = {},
): Spelling {
  return {
    keys: new Map([...keys, ...Object.keys(inner)].map((key) => [key.toLowerCase(), key])),
    inner: new Map(Object.entries(inner)),
    wins,
  };
}

const status = spelling('canonical', ['status', 'availableReplicas', 'conditions']);

function objectWith(spec: Spelling): Spelling {
  return spelling('canonical', ['apiVersion', 'kind', 'metadata'], { spec, status });
}

const labelSelector = spelling('other', ['matchLabels', 'matchExpressions']);
const azureIdentity = objectWith(
  spelling(
    'other',
    [
      'type',
      'resourceID',
      'clientID',
      'tenantID',
      'auxiliaryTenantIDs',
      'adResourceID',
      'adEndpoint',
      'replicas',
    ],
    {
      clientPassword: spelling('other', ['name', 'namespace']),
      allowedNamespaces: spelling('other', ['names'], { selector: labelSelector }),
    },
  ),
);
const azureIdentityBinding = objectWith(
  spelling('other', ['azureIdentity', 'selector', 'weight', 'serviceAccountName', 'default'], {
    podSelector: labelSelector,
  }),
);

const spellings: Readonly<Record<Kind, Spelling>> = {
  AzureIdentity: azureIdentity,
  AzureIdentityBinding: azureIdentityBinding,
  AzureAssignedIdentity: objectWith(
    spelling('canonical', ['pod', 'podNamespace', 'nodename', 'replicas'], {
      azureIdentityRef: azureIdentity,
      azureBindingRef: azureIdentityBinding,
    }),
  ),
  AzurePodIdentityException: objectWith(spelling('other', ['podLabels', 'clientIDs'])),
};

/** An object in today's spelling. */
export interface Canonical<T> {
  /** The object given, if nothing had to change. */
  readonly object: T;
  readonly changed: boolean;
  /** One for each key that was respelled or dropped. */
  readonly warnings: readonly Problem[];
}

/**
 * Rewrites the keys of an object of the four kinds to their canonical spelling, at any depth and from any case. Keys that
 * are not ours are kept, as are labels, annotations and all values. If a key is present in two spellings, one value
 * is kept: of what users write the old spelling's, of what controllers write the canonical one's. Objects of other kinds
 * are returned as they are. The object given is never touched.
 *
 * @example
 * ```ts
 * const { object, changed } = canonicalise({ kind: 'AzureIdentityBinding', spec: { AzureIdentity: 'a', Selector: 's' } });
 * // { kind: 'AzureIdentityBinding', spec: { azureIdentity: 'a', selector: 's' } }, true
 * ```
 */
export function canonicalise<T>(object: T): Canonical<T> {
  const kind = isJsonObject(object) ? object['kind'] : undefined;
  return isKind(kind) ? canonicaliseAs(kind, object) : { object, changed: false, warnings: [] };
}

/** The same for an object whose kind is known from elsewhere. */
export function canonicaliseAs<T>(kind: Kind, object: T): Canonical<T> {
  const warnings: Problem[] = [];
  const respelled = respell(object, { spelling: spellings[kind], path: '', warnings });
  // Only keys were renamed, which T does not cover.
  return { object: respelled as T, changed: respelled !== object, warnings };
}

interface Place {
  readonly spelling: Spelling;
  /** Empty, or ending in a dot. */
  readonly path: string;
  readonly warnings: Problem[];
}

function respell(value: unknown, place: Place): unknown {
  if (!isJsonObject(value)) return value;
  const chosen = chooseKeys(value, place);
  let changed = chosen.size !== Object.keys(value).length;
  const entries = [...chosen].map(([canonical, key]) => {
    const inner = place.spelling.inner.get(canonical);
    const before = value[key];
    const after =
      inner === undefined
        ? before
        : respell(before, { ...place, spelling: inner, path: `${place.path}${key}.` });
    changed ||= canonical !== key || after !== before;
    return [canonical, after] as const;
  });
  return changed ? Object.fromEntries(entries) : value;
}

/** For each canonical key the key of the object that gives its value. */
function chooseKeys(value: JsonObject, place: Place): ReadonlyMap<string, string> {
  const chosen = new Map<string, string>();
  for (const key of Object.keys(value)) {
    const canonical = place.spelling.keys.get(key.toLowerCase()) ?? key;
    const rival = chosen.get(canonical);
    if (rival === undefined) {
      chosen.set(canonical, key);
    } else {
      const [winner, loser] = outranks(key, rival) ? [key, rival] : [rival, key];
      chosen.set(canonical, winner);
      warn(
        loser,
        `is ignored, because ${place.path}${winner} is there as well: keep one of them, as ${canonical}`,
      );
    }
    if (key !== canonical) warn(key, `is an old spelling: write ${canonical}`);
  }
  return chosen;

  function warn(key: string, message: string): void {
    place.warnings.push({ path: `${place.path}${key}`, message });
  }

  /** A value has precedence over none; then the place's rule decides, and among several other spellings their order. */
  function outranks(key: string, rival: string): boolean {
    const [mine, other] = [value[key] ?? null, value[rival] ?? null];
    if ((mine === null) !== (other === null)) return other === null;
    const [isMineCanonical, isRivalCanonical] = [key, rival].map(
      (name) => place.spelling.keys.get(name.toLowerCase()) === name,
    );
    if (isMineCanonical === isRivalCanonical) return key < rival;
    return isMineCanonical === (place.spelling.wins === 'canonical');
  }
}

function isKind(kind: unknown): kind is Kind {
  return typeof kind === 'string' && Object.hasOwn(spellings, kind);
}
