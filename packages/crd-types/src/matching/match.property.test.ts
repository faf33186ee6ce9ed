// Compares the rule with its simplest implementation: one pass over all bindings in their order.
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { isNamespaced, type AzureIdentity } from '../objects/azure-identity.ts';
import type { AzureIdentityBinding } from '../objects/azure-identity-binding.ts';
import { sortBindings } from './bindings-by-namespace.ts';
import {
  bindingsAmong,
  matchPod,
  type Match,
  type MatchResult,
  type Mismatch,
  type MismatchReason,
} from './match.ts';
import { mostBindingsPerNamespace } from './own-bindings.ts';

const apiVersion = 'aadpodidentity.k8s.io/v1';
const namespaces = ['a', 'a-b', 'shop', 'z'];

interface Cluster {
  readonly bindings: readonly AzureIdentityBinding[];
  readonly identities: readonly AzureIdentity[];
}

const namespace = fc.constantFrom(...namespaces);
const target = fc.constantFrom('one', 'two', 'three', 'gone');
const aBinding = fc
  .record({ namespace, target, name: fc.constantFrom('a', 'b', 'b-c', 'b.c', 'c') })
  .map(({ namespace: ns, name, target: azureIdentity }): AzureIdentityBinding => ({
    apiVersion,
    kind: 'AzureIdentityBinding',
    metadata: { namespace: ns, name },
    spec: { azureIdentity, selector: 'demo' },
  }));
/** More bindings than the limit, with names that sort before, between and after the others. */
const aCrowd = fc
  .record({ namespace, prefix: fc.constantFrom('a0', 'b', 'c0'), size: fc.integer({ min: 95, max: 105 }) })
  .map(({ namespace: ns, prefix, size }) =>
    Array.from({ length: size }, (_, index): AzureIdentityBinding => ({
      apiVersion,
      kind: 'AzureIdentityBinding',
      metadata: { namespace: ns, name: `${prefix}${index}` },
      spec: { azureIdentity: index % 7 === 0 ? 'one' : `many-${index}`, selector: 'demo' },
    })),
  );
const anIdentity = fc
  .record({ namespace, name: target, closed: fc.boolean() })
  .map(({ namespace: ns, name, closed }): AzureIdentity => ({
    apiVersion,
    kind: 'AzureIdentity',
    spec: { type: 0 },
    metadata: {
      namespace: ns,
      name,
      annotations: closed ? { 'aadpodidentity.k8s.io/Behavior': 'namespaced' } : {},
    },
  }));
const unique = <T extends { readonly metadata: { readonly namespace?: string; readonly name: string } }>(
  all: readonly T[],
) => [
  ...new Map(all.map((each) => [`${each.metadata.namespace ?? ''}/${each.metadata.name}`, each])).values(),
];
const aCluster: fc.Arbitrary<Cluster> = fc.record({
  bindings: fc
    .tuple(fc.array(aBinding, { maxLength: 12 }), fc.option(aCrowd, { freq: 3 }))
    .chain(([few, crowd]) => {
      const all = unique([...few, ...(crowd ?? [])]);
      return fc.shuffledSubarray(all, { minLength: all.length });
    }),
  identities: fc.array(anIdentity, { maxLength: 8 }).map(unique),
});

const lookUp =
  ({ identities }: Cluster) =>
  (ns: string, name: string) =>
    identities.find(({ metadata }) => metadata.namespace === ns && metadata.name === name);

const namespaceOf = ({ metadata: { namespace: ns = '' } }: AzureIdentityBinding) => ns;
const missOf = (reason: MismatchReason, { metadata, spec }: AzureIdentityBinding): Mismatch => {
  const ns = metadata.namespace ?? '';
  return { reason, binding: `${ns}/${metadata.name}`, identity: `${ns}/${spec.azureIdentity}` };
};

const nearestOf = (all: readonly Mismatch[]) =>
  [...all.filter(({ reason }) => reason === 'identity-missing'), ...all].slice(0, 1);

function plain(cluster: Cluster, podNamespace: string, forceNamespaced: boolean): MatchResult {
  const verdictOn = ({ metadata, spec }: AzureIdentityBinding): AzureIdentity | MismatchReason => {
    const isOwn = metadata.namespace === podNamespace;
    if (!isOwn && forceNamespaced) return 'other-namespace';
    const identity = lookUp(cluster)(metadata.namespace ?? '', spec.azureIdentity);
    if (!identity) return 'identity-missing';
    return !isOwn && isNamespaced(identity) ? 'other-namespace' : identity;
  };
  if (cluster.bindings.length === 0) return { matches: [], mismatches: [{ reason: 'no-binding' }] };
  const matches = new Map<string, Match>();
  const told: Record<'own' | 'others', Mismatch[]> = { own: [], others: [] };
  const surplus: Mismatch[] = [];
  const counts = new Map<string, number>();
  for (const binding of sortBindings(cluster.bindings)) {
    const ns = namespaceOf(binding);
    const isOwn = ns === podNamespace;
    const list = isOwn ? told.own : told.others;
    const miss = (reason: MismatchReason) => missOf(reason, binding);
    const count = (counts.get(ns) ?? 0) + 1;
    counts.set(ns, count);
    const verdict = count > mostBindingsPerNamespace ? 'too-many-bindings' : verdictOn(binding);
    if (verdict === 'too-many-bindings') surplus.push(miss(verdict));
    else if (typeof verdict === 'string') list.push(miss(verdict));
    else if (matches.has(verdict.metadata.name)) list.push(miss('shadowed'));
    else matches.set(verdict.metadata.name, { binding, identity: verdict });
  }
  const tooMany = surplus.filter(({ binding = '' }) => binding.startsWith(`${podNamespace}/`));
  const own = [...told.own, ...tooMany.slice(0, 1)];
  return {
    matches: [...matches.values()],
    mismatches: matches.size + own.length > 0 ? own : nearestOf(told.others),
  };
}

test.each([true, false])(
  'every pod gets what the simple implementation gives it; namespaced only: %s',
  (forceNamespaced) => {
    fc.assert(
      fc.property(aCluster, (cluster) => {
        for (const ns of [...namespaces, 'without-bindings']) {
          const result = matchPod({
            ...bindingsAmong(cluster.bindings),
            pod: { namespace: ns, labels: { aadpodidbinding: 'demo' }, serviceAccount: 'default' },
            identityOf: lookUp(cluster),
            rules: { forceNamespaced },
          });
          expect(result).toEqual(plain(cluster, ns, forceNamespaced));
        }
      }),
      { numRuns: 300 },
    );
  },
);

test('bindings of other namespaces are not read for a pod that has its own, if identities are namespaced', () => {
  const asked: string[] = [];
  const own = {
    ...fc.sample(aBinding, 1)[0],
    metadata: { namespace: 'shop', name: 'own' },
  } as AzureIdentityBinding;
  matchPod({
    pod: { namespace: 'shop', labels: { aadpodidbinding: 'demo' }, serviceAccount: 'default' },
    bindingsWithConditions: () => [],
    bindingsWithSelector: () => ({
      get namespaces(): string[] {
        throw new Error('asked which other namespaces have bindings');
      },
      of: (ns) => {
        asked.push(ns);
        return ns === 'shop' ? [own] : [];
      },
    }),
    identityOf: () => undefined,
    rules: { forceNamespaced: true },
  });
  expect(asked).toEqual(['shop']);
});
