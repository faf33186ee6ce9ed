// Compares the rule, for bindings and identities with all fields, with its simplest implementation: one pass over all bindings of the
// cluster in the order of namespaces and names.
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { aLabelSelector, aPodOfMany, aSelectingBinding } from '../../test/random-selection.ts';
import { allowsNamespace } from '../objects/allowed-namespaces.ts';
import { isNamespaced, type AzureIdentity } from '../objects/azure-identity.ts';
import type { AzureIdentityBinding } from '../objects/azure-identity-binding.ts';
import { sortBindings } from './bindings-by-namespace.ts';
import { behaviorAnnotation, bindingLabel } from '../parsing/group.ts';
import { bindingsAmong, matchPod, type MatchInput } from './match.ts';
import type { MatchingRules } from './reach.ts';
import { mostBindingsPerNamespace } from './own-bindings.ts';
import { hasOwnConditions, selectsPod, type PodFacts } from './selection.ts';

const anIdentity = fc
  .record({
    namespace: fc.constantFrom('a', 'shop', 'z'),
    name: fc.constantFrom('one', 'two'),
    isClosed: fc.constantFrom(false, false, true),
    allowedNamespaces: fc.option(
      fc.record(
        {
          names: fc.uniqueArray(fc.constantFrom('a', 'shop', 'z'), { maxLength: 2 }),
          selector: aLabelSelector,
        },
        { requiredKeys: [] },
      ),
      { nil: undefined },
    ),
  })
  .map(({ namespace, name, isClosed, allowedNamespaces }): AzureIdentity => ({
    apiVersion: 'aadpodidentity.k8s.io/v1',
    kind: 'AzureIdentity',
    metadata: { namespace, name, annotations: isClosed ? { [behaviorAnnotation]: 'namespaced' } : {} },
    spec: { type: 0, ...(allowedNamespaces && { allowedNamespaces }) },
  }));
const keyOf = ({ metadata: { namespace = '', name } }: AzureIdentity | AzureIdentityBinding) =>
  `${namespace}/${name}`;
/** More bindings than the limit, with names that sort before, between and after the others. */
const aCrowd = fc
  .record({
    like: aSelectingBinding,
    prefix: fc.constantFrom('a0', 'b', 'c0'),
    size: fc.integer({ min: 95, max: 105 }),
  })
  .map(({ like, prefix, size }) =>
    Array.from({ length: size }, (_, index) => ({
      ...like,
      metadata: { ...like.metadata, name: `${prefix}${index}` },
      spec: { ...like.spec, azureIdentity: index % 3 === 0 ? 'one' : like.spec.azureIdentity },
    })),
  );
const accepting = (...namespaces: readonly string[]) =>
  Object.fromEntries(namespaces.map((name) => [`identities-from.aadpodidentity.k8s.io/${name}`, 'true']));
const aCluster = fc.record({
  bindings: fc
    .tuple(fc.array(aSelectingBinding, { maxLength: 14 }), fc.option(aCrowd, { freq: 3 }))
    .map(([few, crowd]) => [...new Map([...few, ...(crowd ?? [])].map((one) => [keyOf(one), one])).values()]),
  identities: fc.uniqueArray(anIdentity, { maxLength: 6, selector: keyOf }),
  rules: fc.record({ forceNamespaced: fc.boolean(), byAllowedNamespaces: fc.boolean() }),
  namespaceLabels: fc.option(
    fc.constantFrom<Readonly<Record<string, string>>>(
      {},
      { app: 'a', ...accepting('a', 'shop', 'z') },
      { tier: 'b', ...accepting('z') },
    ),
    {
      nil: undefined,
    },
  ),
});

interface World {
  readonly bindings: readonly AzureIdentityBinding[];
  readonly identities: readonly AzureIdentity[];
  readonly rules: MatchingRules;
  readonly namespaceLabels: Readonly<Record<string, string>> | undefined;
}

const lookUp = (world: World) => (namespace: string, name: string) =>
  world.identities.find((one) => keyOf(one) === `${namespace}/${name}`);

/** Names of the bindings that give the pod an identity, with that identity, in order. */
function plain(world: World, pod: PodFacts): string[] {
  const target = ({ metadata, spec }: AzureIdentityBinding) =>
    lookUp(world)(metadata.namespace ?? '', spec.azureIdentity);
  const sorted = sortBindings(world.bindings);
  const inNamespace = sorted.filter(({ metadata }) => metadata.namespace === pod.namespace);
  const uncounted = inNamespace.filter(hasOwnConditions).slice(mostBindingsPerNamespace);
  const own = inNamespace
    .filter((one) => selectsPod(one, pod) && !uncounted.includes(one))
    .slice(0, mostBindingsPerNamespace);
  const isOpen = world.rules.byAllowedNamespaces === true || !world.rules.forceNamespaced;
  const foreign = ['a', 'shop', 'z'].flatMap((namespace) =>
    sorted
      .filter((one) => isOpen && one.metadata.namespace === namespace && namespace !== pod.namespace)
      .filter(({ spec }) => spec.podSelector === undefined && spec.serviceAccountName === undefined)
      .filter(({ spec }) => spec.selector !== '' && spec.selector === pod.labels[bindingLabel])
      .filter(
        (one) =>
          world.rules.byAllowedNamespaces !== true || target(one)?.spec.allowedNamespaces !== undefined,
      )
      .filter(
        () =>
          world.rules.byAllowedNamespaces !== true ||
          Object.hasOwn(world.namespaceLabels ?? {}, `identities-from.aadpodidentity.k8s.io/${namespace}`),
      )
      .slice(0, mostBindingsPerNamespace),
  );
  const fits = (one: AzureIdentityBinding) => {
    const identity = target(one);
    if (identity === undefined || isNamespaced(identity)) return false;
    const { allowedNamespaces } = identity.spec;
    if (allowedNamespaces === undefined) return world.rules.byAllowedNamespaces !== true;
    return allowsNamespace(allowedNamespaces, pod.namespace, world.namespaceLabels);
  };
  const isGuest = (one: AzureIdentityBinding) => target(one)?.spec.allowedNamespaces !== undefined;
  const others = foreign.filter(fits);
  const guests = others.filter(isGuest);
  const all = [...own.filter((one) => target(one) !== undefined), ...others.filter((one) => !isGuest(one))];
  const isOwnFirst = own.some(
    ({ spec }) => spec.podSelector !== undefined || spec.serviceAccountName !== undefined,
  );
  const first = isOwnFirst ? all : sortBindings(all);
  const distinct = first.filter(
    (one, at) => at === first.findIndex(({ spec }) => spec.azureIdentity === one.spec.azureIdentity),
  );
  const once = guests.filter((one, at) => at === guests.findIndex((other) => target(other) === target(one)));
  return [...distinct.map(keyOf), ...once.map((one) => `${keyOf(one)} guest`)];
}

const ask = (world: World, pod: PodFacts, more: Partial<MatchInput> = {}) =>
  matchPod({ ...bindingsAmong(world.bindings), ...world, pod, identityOf: lookUp(world), ...more });

test('every pod gets what the plain rule gives it', () => {
  fc.assert(
    fc.property(aCluster, aPodOfMany, (world, pod) => {
      const { matches, mismatches } = ask(world, pod);
      expect(matches.map(({ binding, isGuest }) => keyOf(binding) + (isGuest ? ' guest' : ''))).toEqual(
        plain(world, pod),
      );
      for (const { binding, identity } of matches)
        expect(identity).toBe(lookUp(world)(binding.metadata.namespace ?? '', binding.spec.azureIdentity));
      expect(matches.length + mismatches.length).toBeGreaterThan(0);
    }),
    { numRuns: 2000 },
  );
});

test('what else a source gives changes nothing', () => {
  fc.assert(
    fc.property(aCluster, aPodOfMany, (world, pod) => {
      const reaching = world.bindings.filter(
        ({ metadata, spec }) =>
          lookUp(world)(metadata.namespace ?? '', spec.azureIdentity)?.spec.allowedNamespaces !== undefined,
      );
      const conditional = sortBindings(world.bindings).filter(
        (one) => hasOwnConditions(one) && one.metadata.namespace === pod.namespace,
      );
      const least = ask(world, pod, {
        bindingsWithConditions: () => conditional.slice(0, mostBindingsPerNamespace + 1).toReversed(),
        bindingsReachingOut: (value) => {
          const those = reaching.filter(({ spec }) => spec.selector === value);
          return {
            namespaces: [...new Set(those.map(({ metadata }) => metadata.namespace ?? ''))],
            of: (namespace) => sortBindings(those.filter(({ metadata }) => metadata.namespace === namespace)),
          };
        },
      });
      expect(least).toEqual(ask(world, pod));
    }),
    { numRuns: 1000 },
  );
});
