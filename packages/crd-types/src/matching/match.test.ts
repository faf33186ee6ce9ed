import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import type { AzureIdentity } from '../objects/azure-identity.ts';
import type { AzureIdentityBinding } from '../objects/azure-identity-binding.ts';
import { sortBindings } from './bindings-by-namespace.ts';
import { bindingLabel } from '../parsing/group.ts';
import { bindingsAmong, matchPod, type MatchResult } from './match.ts';
import type { MatchingRules } from './reach.ts';
import { mostBindingsPerNamespace } from './own-bindings.ts';
import type { PodFacts } from './selection.ts';

const apiVersion = 'aadpodidentity.k8s.io/v1';

/** `namespace/name → identity`; default selector: `demo`. */
function binding(text: string, selector = 'demo'): AzureIdentityBinding {
  const [namespace = '', name = '', azureIdentity = ''] = text.split(/\/| → /);
  return {
    apiVersion,
    kind: 'AzureIdentityBinding',
    metadata: { namespace, name },
    spec: { azureIdentity, selector },
  };
}

/** `namespace/name`; an asterisk: namespaced by annotation. */
function identity(text: string): AzureIdentity {
  const [namespace = '', name = ''] = text.replace('*', '').split('/');
  const annotations = text.endsWith('*') ? { 'aadpodidentity.k8s.io/Behavior': 'namespaced' } : {};
  return { apiVersion, kind: 'AzureIdentity', metadata: { namespace, name, annotations }, spec: { type: 0 } };
}

interface Cluster {
  readonly bindings: readonly AzureIdentityBinding[];
  readonly identities: readonly AzureIdentity[];
}

function ask(
  cluster: Cluster,
  pod: { namespace: string; label: string | undefined },
  forceNamespaced = false,
): MatchResult {
  return matchPod({
    ...bindingsAmong(cluster.bindings),
    pod: podOf(pod),
    identityOf: (namespace, name) =>
      cluster.identities.find(({ metadata }) => metadata.namespace === namespace && metadata.name === name),
    rules: { forceNamespaced },
  });
}

const podOf = ({ namespace, label }: { namespace: string; label: string | undefined }) => ({
  namespace,
  labels: label === undefined ? {} : { [bindingLabel]: label },
  serviceAccount: 'default',
});

function keys(result: MatchResult): string[] {
  return result.matches.map(({ identity: { metadata } }) => `${metadata.namespace ?? ''}/${metadata.name}`);
}

const shop = { namespace: 'shop', label: 'demo' };

describe('a pod may act as', () => {
  test('the identity of the binding that selects its label', () => {
    const cluster = { bindings: [binding('shop/b → reader')], identities: [identity('shop/reader')] };
    expect(ask(cluster, shop)).toEqual({
      matches: [{ binding: cluster.bindings[0], identity: cluster.identities[0] }],
      mismatches: [],
    });
  });

  test('the identities of all bindings that select it, in the order of namespace and name', () => {
    const bindings = [binding('shop/b → two'), binding('shop/a → one'), binding('data/z → three')];
    const identities = [identity('shop/one'), identity('shop/two'), identity('data/three')];
    expect(keys(ask({ bindings, identities }, shop))).toEqual(['data/three', 'shop/one', 'shop/two']);
  });

  test('an identity of another namespace, unless it is namespaced', () => {
    const cluster = { bindings: [binding('data/b → reader')], identities: [identity('data/reader')] };
    expect(keys(ask(cluster, shop))).toEqual(['data/reader']);
  });

  test('a namespaced identity of its own namespace', () => {
    const cluster = { bindings: [binding('shop/b → reader')], identities: [identity('shop/reader*')] };
    expect(keys(ask(cluster, shop))).toEqual(['shop/reader']);
    expect(keys(ask(cluster, shop, true))).toEqual(['shop/reader']);
  });

  test('E23 the identity of the first namespace when two have the same names', () => {
    const bindings = [binding('shop/b → reader'), binding('data/b → reader')];
    const identities = [identity('shop/reader'), identity('data/reader')];
    const result = ask({ bindings, identities }, shop);
    expect(keys(result)).toEqual(['data/reader']);
    expect(result.mismatches).toEqual([{ reason: 'shadowed', binding: 'shop/b', identity: 'shop/reader' }]);
  });

  test('the identity of its own namespace if that of the same name in another is namespaced', () => {
    const bindings = [binding('data/b → reader'), binding('shop/b → reader')];
    const identities = [identity('data/reader*'), identity('shop/reader')];
    expect(keys(ask({ bindings, identities }, shop))).toEqual(['shop/reader']);
  });

  test('C42 the one of its own namespace, if all are namespaced and two namespaces have the same names', () => {
    const bindings = [binding('data/b → reader'), binding('shop/b → reader')];
    const identities = [identity('data/reader'), identity('shop/reader')];
    expect(keys(ask({ bindings, identities }, shop, true))).toEqual(['shop/reader']);
    expect(keys(ask({ bindings, identities }, { namespace: 'data', label: 'demo' }, true))).toEqual([
      'data/reader',
    ]);
  });

  test('an identity once, though two bindings name it', () => {
    const cluster = {
      bindings: [binding('shop/b → reader'), binding('shop/a → reader')],
      identities: [identity('shop/reader')],
    };
    const result = ask(cluster, shop);
    expect(result.matches.map((match) => match.binding.metadata.name)).toEqual(['a']);
    expect(result.mismatches).toEqual([{ reason: 'shadowed', binding: 'shop/b', identity: 'shop/reader' }]);
  });
});

describe('a pod without an identity gets the reason', () => {
  const bindings = [binding('data/b → reader')];
  const identities = [identity('data/reader')];
  const elsewhere = { reason: 'other-namespace', binding: 'data/b', identity: 'data/reader' };
  test.each([
    { why: 'it has no label', label: undefined, mismatch: { reason: 'no-label' } },
    {
      why: 'its label is empty',
      bindings: [binding('shop/b → x', '')],
      label: '',
      mismatch: { reason: 'empty-label' },
    },
    { why: 'no binding selects its label', label: 'other', mismatch: { reason: 'no-binding' } },
    { why: 'its label differs by case', label: 'Demo', mismatch: { reason: 'no-binding' } },
    {
      why: 'there is no such identity in the namespace of the binding',
      bindings: [binding('shop/b → reader')],
      mismatch: { reason: 'identity-missing', binding: 'shop/b', identity: 'shop/reader' },
    },
    {
      why: 'the identity is namespaced, elsewhere',
      identities: [identity('data/reader*')],
      mismatch: elsewhere,
    },
    { why: 'all are namespaced and the binding is elsewhere', forceNamespaced: true, mismatch: elsewhere },
    {
      why: 'the same, with no such identity there',
      forceNamespaced: true,
      identities: [],
      mismatch: elsewhere,
    },
  ])('because $why', ({ mismatch, forceNamespaced, ...world }) => {
    const label = 'label' in world ? world.label : 'demo';
    const result = ask({ bindings, identities, ...world }, { namespace: 'shop', label }, forceNamespaced);
    expect(result).toEqual({ matches: [], mismatches: [mismatch] });
  });

  test('for one binding, though another gives it an identity', () => {
    const bindings = [binding('shop/a → gone'), binding('shop/b → reader')];
    const result = ask({ bindings, identities: [identity('shop/reader')] }, shop);
    expect(keys(result)).toEqual(['shop/reader']);
    expect(result.mismatches).toEqual([
      { reason: 'identity-missing', binding: 'shop/a', identity: 'shop/gone' },
    ]);
  });
});

describe('what the editor of another namespace writes', () => {
  const own = { bindings: [binding('shop/b → reader')], identities: [identity('shop/reader')] };
  const foreign = Array.from({ length: 300 }, (_, index) => binding(`evil/b${index} → x${index}`));

  test.each([true, false])('does not concern a pod that has an identity (all namespaced: %s)', (force) => {
    const cluster = { ...own, bindings: [...foreign, ...own.bindings] };
    expect(ask(cluster, shop, force)).toEqual(ask(own, shop, force));
  });

  test('does not concern a pod whose own binding is wrong', () => {
    const cluster = { bindings: [...foreign, ...own.bindings], identities: [] };
    expect(ask(cluster, shop, true)).toEqual(ask({ ...own, identities: [] }, shop, true));
  });

  test('is one mismatch for a pod that has no other binding', () => {
    const { mismatches } = ask({ bindings: foreign, identities: [] }, shop, true);
    expect(mismatches.map(({ reason }) => reason)).toEqual(['other-namespace']);
  });

  test('does not count towards the limit of the pod’s own namespace, if identities may be shared', () => {
    const identities = foreign.map(({ spec }) => identity(`evil/${spec.azureIdentity}`));
    const bindings = [...foreign, ...own.bindings];
    const matched = keys(ask({ bindings, identities: [...identities, ...own.identities] }, shop));
    expect(matched).toContain('shop/reader');
    expect(matched).toHaveLength(mostBindingsPerNamespace + 1);
  });
});

test('bindings of a namespace beyond the limit are left out in the order of their names, with one mismatch', () => {
  const name = (index: number) => `b${String(index).padStart(3, '0')}`;
  const bindings = Array.from({ length: 300 }, (_, index) => binding(`shop/${name(index)} → x${index}`));
  const identities = bindings.map(({ spec }) => identity(`shop/${spec.azureIdentity}`));
  const { matches, mismatches } = ask({ bindings: bindings.toReversed(), identities }, shop, true);
  expect(matches).toHaveLength(mostBindingsPerNamespace);
  expect(mismatches).toEqual([
    { reason: 'too-many-bindings', binding: `shop/${name(100)}`, identity: 'shop/x100' },
  ]);
});

describe('whatever the cluster', () => {
  const namespace = fc.constantFrom('data', 'shop', 'web');
  const name = fc.constantFrom('one', 'two', 'three');
  const clusters = fc.record({
    bindings: fc.uniqueArray(
      fc
        .tuple(namespace, fc.constantFrom('a', 'b', 'c', 'd'), name)
        .map(([ns, own, id]) => binding(`${ns}/${own} → ${id}`)),
      { selector: ({ metadata }) => `${metadata.namespace ?? ''}/${metadata.name}` },
    ),
    identities: fc.uniqueArray(
      fc
        .tuple(namespace, name, fc.constantFrom('', '*'))
        .map(([ns, own, mark]) => identity(`${ns}/${own}${mark}`)),
      { selector: ({ metadata }) => `${metadata.namespace ?? ''}/${metadata.name}` },
    ),
  });

  test('every binding of its namespace that selects the pod is a match or a mismatch', () => {
    fc.assert(
      fc.property(clusters, fc.boolean(), (cluster, forceNamespaced) => {
        const { matches, mismatches } = ask(cluster, shop, forceNamespaced);
        const told = [
          ...matches.map(({ binding: { metadata } }) => `${metadata.namespace ?? ''}/${metadata.name}`),
        ];
        told.push(...mismatches.flatMap((mismatch) => mismatch.binding ?? []));
        const own = cluster.bindings.filter(({ metadata }) => metadata.namespace === 'shop');
        expect(told).toEqual(expect.arrayContaining(own.map(({ metadata }) => `shop/${metadata.name}`)));
        expect(matches.length + mismatches.length).toBeGreaterThan(0);
      }),
    );
  });

  test('no namespaced identity is used from another namespace', () => {
    fc.assert(
      fc.property(clusters, fc.boolean(), (cluster, forceNamespaced) => {
        for (const { binding: by, identity: as } of ask(cluster, shop, forceNamespaced).matches) {
          const isClosed =
            forceNamespaced || as.metadata.annotations?.['aadpodidentity.k8s.io/Behavior'] !== undefined;
          expect(by.metadata.namespace).toBe(as.metadata.namespace);
          if (isClosed) expect(as.metadata.namespace).toBe('shop');
        }
      }),
    );
  });

  test('the order in which bindings are listed does not matter', () => {
    fc.assert(
      fc.property(clusters, fc.boolean(), (cluster, forceNamespaced) => {
        const reversed = { ...cluster, bindings: cluster.bindings.toReversed() };
        expect(ask(reversed, shop, forceNamespaced)).toEqual(ask(cluster, shop, forceNamespaced));
      }),
    );
  });
});

describe('bindings', () => {
  test('C1 are sorted by namespace, then name', () => {
    const names = ['b/two', 'a/two', 'b/one', 'a/three', 'a/one'];
    const sorted = sortBindings(names.map((name) => binding(`${name} → x`)));
    expect(sorted.map(({ metadata }) => `${metadata.namespace ?? ''}/${metadata.name}`)).toEqual([
      'a/one',
      'a/three',
      'a/two',
      'b/one',
      'b/two',
    ]);
  });

  test('are sorted in a copy: the list given is not changed', () => {
    const bindings = [binding('b/b → x'), binding('a/a → x')];
    sortBindings(bindings);
    expect(bindings.map(({ metadata }) => metadata.name)).toEqual(['b', 'a']);
  });
});

test('the labels of a pod are read once, however many bindings its namespace has', () => {
  let reads = 0;
  const pod = {
    namespace: 'shop',
    serviceAccount: 'default',
    get labels() {
      reads += 1;
      return { [bindingLabel]: 'demo' };
    },
  };
  const bindings = Array.from({ length: 1_000 }, (_, index) => {
    const { spec, ...rest } = binding(`shop/b${index} → reader`, '');
    return { ...rest, spec: { ...spec, podSelector: { matchLabels: { app: `${index}` } } } };
  });
  const rules = { forceNamespaced: true };
  matchPod({ ...bindingsAmong(bindings), pod, identityOf: () => undefined, rules });
  expect(reads).toBe(1);
});

describe('a pod without a ServiceAccount', () => {
  const none = { ...podOf(shop), serviceAccount: '' };
  const own = identity('shop/reader');
  const open = {
    ...identity('pay/guest'),
    spec: { type: 0, allowedNamespaces: { names: ['shop'] } },
  } as const satisfies AzureIdentity;
  const bySelector = binding('shop/b → reader');
  const bindings = [
    bySelector,
    binding('pay/b → guest'),
    { ...bySelector, spec: { azureIdentity: 'reader', selector: '', podSelector: { matchLabels: {} } } },
    { ...bySelector, spec: { azureIdentity: 'reader', selector: '', serviceAccountName: 'default' } },
  ];
  const askFor = (pod: PodFacts, rules: MatchingRules) =>
    matchPod({
      ...bindingsAmong(bindings),
      pod,
      namespaceLabels: { 'identities-from.aadpodidentity.k8s.io/pay': 'true' },
      identityOf: (namespace) => (namespace === 'shop' ? own : open),
      rules,
    });

  test.each([
    { forceNamespaced: true },
    { forceNamespaced: false },
    { forceNamespaced: true, byAllowedNamespaces: true },
  ])('gets no identity by any binding and is told why, by the rules %o', (rules) => {
    expect(askFor(none, rules)).toEqual({ matches: [], mismatches: [{ reason: 'no-account' }] });
    expect(askFor({ ...none, serviceAccount: 'default' }, rules).matches).not.toEqual([]);
  });

  test('is told that first, also if it has no label or an empty one', () => {
    for (const labels of [{}, { [bindingLabel]: '' }])
      expect(askFor({ ...none, labels }, { forceNamespaced: true }).mismatches).toEqual([
        { reason: 'no-account' },
      ]);
  });
});
