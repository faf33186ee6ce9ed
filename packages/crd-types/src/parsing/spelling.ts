// Which keys of an object are read in which spelling. The first releases (2018) read keys in any case and documented `ResourceID`,
// `ClientID` and `Selector`; objects and files with these are still in use. Fields that came later have one spelling.
import { lowerAscii } from './ascii.ts';
import type { Kind } from './group.ts';
import { nearMiss } from './near-miss.ts';
import type { JsonObject } from './section.ts';

/** The keys of one object. All other keys are data or unknown, and are kept. */
export interface Spelling {
  /** All canonical keys. */
  readonly keys: ReadonlySet<string>;
  /** Those that are read in any case, by their lower-case form. */
  readonly anyCase: ReadonlyMap<string, string>;
  /** Those that are read in this spelling alone, by their lower-case form and by other names that Kubernetes has for the same. */
  readonly exact: ReadonlyMap<string, string>;
  /** Spellings of the objects under some of the canonical keys. */
  readonly inner: ReadonlyMap<string, Spelling>;
  /**
   * Which value is used if a key is present in two spellings, each with a value. For fields that users write it is the `other`: stored
   * objects are rewritten to canonical keys, so another spelling was added later, from a file with the old spelling. For fields that
   * controllers write it is the `canonical` one.
   */
  readonly wins: 'canonical' | 'other';
}

interface Parts {
  /** Names of keys, with spaces between. */
  readonly keys: string;
  readonly exact?: string;
  /** By a name that Kubernetes has for the same: the field. */
  readonly otherwise?: Readonly<Record<string, string>>;
  readonly inner?: Readonly<Record<string, Spelling>>;
}

function spelling(wins: Spelling['wins'], { keys, exact = '', otherwise = {}, inner = {} }: Parts): Spelling {
  const anyCase = [...words(keys), ...Object.keys(inner)];
  const byLower = (key: string) => [lowerAscii(key), key] as const;
  return {
    keys: new Set([...anyCase, ...words(exact)]),
    anyCase: new Map(anyCase.map(byLower)),
    exact: new Map([...words(exact).map(byLower), ...Object.entries(otherwise)]),
    inner: new Map(Object.entries(inner)),
    wins,
  };
}

function words(text: string): string[] {
  return text.split(' ').filter((word) => word !== '');
}

function objectWith(spec: Spelling): Spelling {
  const status = spelling('canonical', { keys: 'status availableReplicas' });
  return spelling('canonical', { keys: 'apiVersion kind metadata', inner: { spec, status } });
}

function azureIdentity(wins: Spelling['wins']): Spelling {
  return objectWith(
    spelling(wins, {
      keys: 'type resourceID clientID tenantID adResourceID adEndpoint replicas',
      // From 1.6 on the original reads keys in one case, and auxiliaryTenantIDs came later.
      exact: 'auxiliaryTenantIDs allowedNamespaces',
      inner: { clientPassword: spelling(wins, { keys: 'name namespace' }) },
    }),
  );
}

function azureIdentityBinding(wins: Spelling['wins']): Spelling {
  return objectWith(
    spelling(wins, {
      keys: 'azureIdentity selector weight',
      exact: 'podSelector serviceAccountName default',
      otherwise: { serviceaccount: 'serviceAccountName' },
    }),
  );
}

function azureAssignedIdentity(): Spelling {
  return objectWith(
    spelling('canonical', {
      keys: 'pod podNamespace nodename replicas',
      inner: {
        azureIdentityRef: azureIdentity('canonical'),
        azureBindingRef: azureIdentityBinding('canonical'),
      },
    }),
  );
}

function spellingsOfKinds(): Readonly<Record<Kind, Spelling>> {
  return {
    AzureIdentity: azureIdentity('other'),
    AzureIdentityBinding: azureIdentityBinding('other'),
    AzureAssignedIdentity: azureAssignedIdentity(),
    AzurePodIdentityException: objectWith(spelling('other', { keys: 'podLabels', exact: 'clientIDs' })),
  };
}

export const spellings = /* @__PURE__ */ spellingsOfKinds();

/** Of an object whose kind is not known yet. */
export const spellingOfKind = /* @__PURE__ */ spelling('canonical', { keys: 'kind' });

/** Which keys of an object are used. */
export interface Choice {
  /** The key whose value is used, by canonical key; unknown keys by themselves. */
  readonly chosen: ReadonlyMap<string, string>;
  /** Keys of known fields that are not used, each with the one that is used instead. */
  readonly ignored: readonly { readonly key: string; readonly winner: string }[];
}

export function chooseKeys(value: JsonObject, spelled: Spelling): Choice {
  const chosen = new Map<string, string>();
  const ignored: Choice['ignored'][number][] = [];
  for (const key of Object.keys(value)) {
    const canonical = canonicalKey(spelled, key);
    const rival = chosen.get(canonical);
    if (rival === undefined) {
      chosen.set(canonical, key);
      continue;
    }
    const [winner, loser] = outranks(key, rival, { value, spelled }) ? [key, rival] : [rival, key];
    chosen.set(canonical, winner);
    ignored.push({ key: loser, winner });
  }
  return { chosen, ignored };
}

export function canonicalKey({ keys, anyCase }: Spelling, key: string): string {
  return keys.has(key) ? key : (anyCase.get(lowerAscii(key)) ?? key);
}

/**
 * The field of one spelling that this key probably means: in another case, or misspelt. Such keys are refused and not only warned of: most
 * of these fields restrict which pods an object is for, so without one it would be for more pods than its author wrote.
 */
export function fieldLike({ keys, anyCase, exact }: Spelling, key: string): string | undefined {
  const lower = lowerAscii(key);
  if (keys.has(key) || anyCase.has(lower)) return undefined;
  return exact.get(nearMiss(lower, exact.keys()) ?? '');
}

/** A key that is probably the `selector` of a binding, misspelt. */
export function isLikeSelector(key: string): boolean {
  return key !== 'selector' && nearMiss(key, ['selector']) !== undefined;
}

interface Rivals {
  readonly value: JsonObject;
  readonly spelled: Spelling;
}

/** A value has precedence over none; then `wins` decides, and among several other spellings their order. */
function outranks(key: string, rival: string, { value, spelled }: Rivals): boolean {
  const [isMineNone, isRivalNone] = [isNone(value[key]), isNone(value[rival])];
  if (isMineNone !== isRivalNone) return isRivalNone;
  const [isMineCanonical, isRivalCanonical] = [key, rival].map((name) => spelled.keys.has(name));
  if (isMineCanonical === isRivalCanonical) return key < rival;
  return isMineCanonical === (spelled.wins === 'canonical');
}

function isNone(value: unknown): boolean {
  return value === undefined || value === null || value === '';
}
