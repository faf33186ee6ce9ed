import { attempt } from './attempt.ts';
import type { Kind } from './group.ts';
import type { Problem } from './problem.ts';
import { isJsonObject, type JsonObject } from './section.ts';

/**
 * The canonical spelling of an object's keys. The first releases (2018) read keys in any case and documented `ResourceID`, `ClientID` and
 * `Selector`; objects and files with these are still in use.
 */
interface Spelling {
  /** Canonical keys by lower-case key. All other keys are data or unknown, and are kept. */
  readonly keys: ReadonlyMap<string, string>;
  /** Spellings of the objects under some of the keys. */
  readonly inner: ReadonlyMap<string, Spelling>;
  /**
   * Which value is used if a key is present in two spellings. For fields that users write it is the `other`: stored objects are rewritten
   * to canonical keys, so another spelling was added later, from a file with the old spelling. For fields that controllers write it is the
   * `canonical` one.
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

function objectWith(spec: Spelling): Spelling {
  const status = spelling('canonical', ['status', 'availableReplicas', 'conditions']);
  return spelling('canonical', ['apiVersion', 'kind', 'metadata'], { spec, status });
}

function spellingsOfKinds(): Readonly<Record<Kind, Spelling>> {
  const labelSelector = spelling('other', ['matchLabels', 'matchExpressions']);
  const identityKeys =
    'type resourceID clientID tenantID auxiliaryTenantIDs adResourceID adEndpoint replicas';
  const azureIdentity = objectWith(
    spelling('other', identityKeys.split(' '), {
      clientPassword: spelling('other', ['name', 'namespace']),
      allowedNamespaces: spelling('other', ['names'], { selector: labelSelector }),
    }),
  );
  const azureIdentityBinding = objectWith(
    spelling('other', ['azureIdentity', 'selector', 'weight', 'serviceAccountName', 'default'], {
      podSelector: labelSelector,
    }),
  );
  return {
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
}

const spellings = /* @__PURE__ */ spellingsOfKinds();

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
 * Rewrites the keys of an object of the four kinds to their canonical spelling, at any depth and from any case. Unknown keys, labels,
 * annotations and all values are kept. If a key is present in two spellings, one value is kept: that of the old spelling for fields that
 * users write, that of the canonical one for fields that controllers write. Objects of other kinds are returned unchanged. Never
 * modifies the given object. What cannot be read (a Proxy or a getter that throws) is returned unchanged.
 *
 * @example
 * ```ts
 * const { object, changed } = canonicalise({ kind: 'AzureIdentityBinding', spec: { AzureIdentity: 'a', Selector: 's' } });
 * // { kind: 'AzureIdentityBinding', spec: { azureIdentity: 'a', selector: 's' } }, true
 * ```
 */
export function canonicalise<T>(object: T): Canonical<T> {
  const unchanged = { object, changed: false, warnings: [] };
  return attempt(
    () => {
      const kind = isJsonObject(object) ? object['kind'] : undefined;
      return isKind(kind) ? canonicaliseAs(kind, object) : unchanged;
    },
    () => unchanged,
  );
}

/** The same for an object of a given kind. */
export function canonicaliseAs<T>(kind: Kind, object: T): Canonical<T> {
  const warnings: Problem[] = [];
  const respelled = respell(object, { spelling: spellings[kind], path: '', warnings });
  // Only keys were renamed, which T does not express.
  return { object: respelled as T, changed: respelled !== object, warnings };
}

interface Place {
  readonly spelling: Spelling;
  /** Empty, or ends in a dot. */
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

/** The key of the object whose value is used, by canonical key. */
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

  /** A value has precedence over none; then `wins` decides, and among several other spellings their order. */
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
