// How keys are spelled. The releases of 2018 documented `ResourceID` and `Selector` and wrote `resourceid`; objects and files with these are
// still in use. Fields that came later have one spelling.
import type { Kind } from './group.ts';
import { nearMiss } from './near-miss.ts';

/** The keys of one object. All others are data or unknown, and are kept. */
export interface Spelling {
  /** The key by each of its spellings of 2018: in lower case, and with a capital. */
  readonly aliases: ReadonlyMap<string, string>;
  /** Of the objects under some of the keys. */
  readonly inner: ReadonlyMap<string, Spelling>;
  /** Fields of one spelling without which more pods would get the identity, or more identities, by their lower case and other names. */
  readonly guarded: ReadonlyMap<string, string>;
}

type Named<T> = Readonly<Record<string, T>>;

function spelling(words: string, inner: Named<Spelling> = {}, guarded: Named<string> = {}): Spelling {
  const aliases = [...words.split(' '), ...Object.keys(inner)].flatMap((key) => {
    const capital = `${key.slice(0, 1).toUpperCase()}${key.slice(1)}`;
    return [key.toLowerCase(), capital, capital.replace(/^Ad/, 'AD')].map((alias) => [alias, key] as const);
  });
  return {
    aliases: new Map(aliases),
    inner: new Map(Object.entries(inner)),
    guarded: new Map(Object.entries(guarded)),
  };
}

function spellingsOfKinds(): Readonly<Record<Kind, Spelling>> {
  const status = spelling('status availableReplicas');
  const objectWith = (spec: Spelling) => spelling('apiVersion kind metadata', { spec, status });
  const AzureIdentity = objectWith(
    spelling(
      'type resourceID clientID tenantID adResourceID adEndpoint replicas',
      { clientPassword: spelling('name namespace') },
      { allowednamespaces: 'allowedNamespaces' },
    ),
  );
  const serviceAccounts = { serviceaccountname: 'serviceAccountName', serviceaccount: 'serviceAccountName' };
  const guarded = { podselector: 'podSelector', ...serviceAccounts, default: 'default' };
  const AzureIdentityBinding = objectWith(spelling('azureIdentity selector weight', {}, guarded));
  const copies = { azureIdentityRef: AzureIdentity, azureBindingRef: AzureIdentityBinding };
  return {
    AzureIdentity,
    AzureIdentityBinding,
    AzureAssignedIdentity: objectWith(spelling('pod podNamespace nodename replicas', copies)),
    AzurePodIdentityException: objectWith(spelling('podLabels', {}, { clientids: 'clientIDs' })),
  };
}

export const spellings = /* @__PURE__ */ spellingsOfKinds();

/** The guarded field that a key probably means: in another case, or misspelt. */
export function fieldLike({ guarded }: Spelling, key: string): string | undefined {
  const field = guarded.get(nearMiss(key, guarded.keys()) ?? '');
  return field === key ? undefined : field;
}

/** A key that is probably the `selector` of a binding, misspelt. */
export function isLikeSelector(key: string): boolean {
  return key !== 'selector' && nearMiss(key, ['selector']) !== undefined;
}
