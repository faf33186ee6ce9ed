import { describe, expect, test } from 'vitest';
import { parseAzureIdentity } from '../objects/azure-identity.ts';
import {
  isDefaultBinding,
  parseAzureIdentityBinding,
  type AzureIdentityBinding,
} from '../objects/azure-identity-binding.ts';
import { apiVersion } from '../parsing/group.ts';
import { bindingsAmong, matchPod } from './match.ts';
import type { MatchingRules } from './reach.ts';
import { mostBindingsPerNamespace } from './own-bindings.ts';
import { describeSelection, type PodFacts } from './selection.ts';

const resourceID = (name: string) =>
  `/subscriptions/s/resourceGroups/g/providers/Microsoft.ManagedIdentity/userAssignedIdentities/${name}`;

function binding(key: string, spec: object): AzureIdentityBinding {
  const [namespace = '', name = ''] = key.split('/');
  const parsed = parseAzureIdentityBinding({
    metadata: { namespace, name },
    spec: { azureIdentity: 'reader', ...spec },
  });
  if (!parsed.ok) throw new Error(JSON.stringify(parsed.problems));
  return parsed.value;
}

function identity(key: string, spec: object = {}, annotations = {}) {
  const [namespace = '', name = ''] = key.split('/');
  const metadata = { namespace, name, annotations };
  const parsed = parseAzureIdentity({ metadata, spec: { type: 0, resourceID: resourceID(name), ...spec } });
  if (!parsed.ok) throw new Error(JSON.stringify(parsed.problems));
  return parsed.value;
}

const web: PodFacts = {
  namespace: 'shop',
  labels: { app: 'web', aadpodidbinding: 'demo' },
  serviceAccount: 'front',
};
const unlabelled: PodFacts = { ...web, labels: { app: 'web' } };
const app = { podSelector: { matchLabels: { app: 'web' } } };

interface World {
  readonly bindings: readonly AzureIdentityBinding[];
  readonly identities?: readonly ReturnType<typeof identity>[];
  readonly namespaceLabels?: Readonly<Record<string, string>>;
}

function ask(world: World, pod: PodFacts, rules: MatchingRules = { forceNamespaced: true }) {
  const identities = world.identities ?? [identity('shop/reader')];
  const result = matchPod({
    ...bindingsAmong(world.bindings),
    pod,
    namespaceLabels: world.namespaceLabels,
    identityOf: (namespace, name) =>
      identities.find(({ metadata }) => metadata.namespace === namespace && metadata.name === name),
    rules,
  });
  return {
    ...result,
    keys: result.matches.map(
      (one) => `${one.identity.metadata.namespace ?? ''}/${one.identity.metadata.name}`,
    ),
  };
}

describe('a binding', () => {
  test.each<[what: string, spec: object, pod: PodFacts, expected: boolean]>([
    ['by podSelector selects a pod without the label', app, unlabelled, true],
    [
      'by podSelector does not select other labels',
      { podSelector: { matchLabels: { app: 'api' } } },
      web,
      false,
    ],
    [
      'by serviceAccountName selects the pods of the account',
      { serviceAccountName: 'front' },
      unlabelled,
      true,
    ],
    ['by serviceAccountName does not select those of others', { serviceAccountName: 'back' }, web, false],
    [
      'by all three asks for all of them',
      { selector: 'demo', serviceAccountName: 'front', ...app },
      web,
      true,
    ],
    [
      'by all three wants the label too',
      { selector: 'demo', serviceAccountName: 'front', ...app },
      unlabelled,
      false,
    ],
    ['by selector and account wants both', { selector: 'demo', serviceAccountName: 'back' }, web, false],
    ['selects no pod of another namespace', app, { ...web, namespace: 'data' }, false],
    ['by podSelector selects no pod whose labels are not all known', app, { ...web, isPartial: true }, false],
    [
      'by what must not be there selects no such pod either',
      { podSelector: { matchExpressions: [{ key: 'x', operator: 'DoesNotExist' }] } },
      { ...web, isPartial: true },
      false,
    ],
    [
      'by serviceAccountName selects one whose labels are not all known',
      { serviceAccountName: 'front' },
      { ...web, isPartial: true },
      true,
    ],
  ])('%s', (...[, spec, pod, expected]) => {
    expect(ask({ bindings: [binding('shop/b', spec)] }, pod).keys).toEqual(expected ? ['shop/reader'] : []);
  });

  test('that asks for nothing selects nothing, wherever it comes from', () => {
    const empty: AzureIdentityBinding = {
      apiVersion,
      kind: 'AzureIdentityBinding',
      metadata: { namespace: 'shop', name: 'b' },
      spec: { azureIdentity: 'reader', selector: '', podSelector: {} },
    };
    expect(ask({ bindings: [empty] }, unlabelled)).toMatchObject({
      matches: [],
      mismatches: [{ reason: 'no-label' }],
    });
  });

  test('whose selector is the pod’s label tells why it does not select it', () => {
    const bindings = [binding('shop/b', { selector: 'demo', serviceAccountName: 'back' })];
    expect(ask({ bindings }, web)).toMatchObject({
      matches: [],
      mismatches: [{ reason: 'not-selected', binding: 'shop/b', identity: 'shop/reader' }],
    });
  });

  test('of several with the pod’s label, those that do not select it tell nothing where another one does', () => {
    const bindings = ['back', 'front', 'rear'].map((account) =>
      binding(`shop/${account}`, { selector: 'demo', serviceAccountName: account }),
    );
    expect(ask({ bindings }, web)).toMatchObject({ keys: ['shop/reader'], mismatches: [] });
    const others = bindings.filter(({ metadata }) => metadata.name !== 'front');
    expect(ask({ bindings: others }, web).mismatches).toEqual([
      { reason: 'not-selected', binding: 'shop/back', identity: 'shop/reader' },
    ]);
  });

  test('without a selector tells nothing to pods that it does not select', () => {
    const bindings = [binding('shop/b', { serviceAccountName: 'back' })];
    expect(ask({ bindings }, web).mismatches).toEqual([{ reason: 'no-binding' }]);
    expect(ask({ bindings }, unlabelled).mismatches).toEqual([{ reason: 'no-label' }]);
  });

  test('is told in words', () => {
    expect(
      describeSelection(binding('shop/b', { selector: 'demo', serviceAccountName: 'front', ...app })),
    ).toBe('the label aadpodidbinding=demo, podSelector app=web, serviceAccountName front');
  });

  test('is the default by its field, or by its annotation where the field says nothing', () => {
    const annotations = { 'aadpodidentity.k8s.io/default-identity': 'true' };
    const annotated = (spec: object) => {
      const made = binding('shop/b', { selector: 'demo', ...spec });
      return { ...made, metadata: { ...made.metadata, annotations } };
    };
    expect(isDefaultBinding(binding('shop/b', { selector: 'demo', default: true }))).toBe(true);
    expect(isDefaultBinding(binding('shop/b', { selector: 'demo' }))).toBe(false);
    expect(isDefaultBinding(annotated({}))).toBe(true);
    expect(isDefaultBinding(annotated({ default: false }))).toBe(false);
  });
});

const accepting = (...namespaces: readonly string[]) =>
  Object.fromEntries(namespaces.map((name) => [`identities-from.aadpodidentity.k8s.io/${name}`, 'true']));

describe('an identity of another namespace', () => {
  const plain = binding('data/b', { selector: 'demo' });
  const allowing = (allowedNamespaces: object) => identity('data/reader', { allowedNamespaces });
  const rbac = { forceNamespaced: true, byAllowedNamespaces: true };
  const open = { forceNamespaced: false };
  const both = [rbac, open];

  test.each(both)('serves the namespaces that it names, with %j', (rules) => {
    const world = {
      bindings: [plain],
      identities: [allowing({ names: ['shop'] })],
      namespaceLabels: accepting('data'),
    };
    expect(ask(world, web, rules)).toMatchObject({ keys: ['data/reader'], matches: [{ isGuest: true }] });
    const denied = ask(world, { ...web, namespace: 'mail' }, rules);
    expect(denied).toMatchObject({ keys: [], mismatches: [{ reason: 'other-namespace' }] });
  });

  test.each(both)(
    'serves the namespaces that have the labels, as far as they are known, with %j',
    (rules) => {
      const world = {
        bindings: [plain],
        identities: [allowing({ selector: { matchLabels: { team: 'a' } } })],
      };
      expect(
        ask({ ...world, namespaceLabels: { team: 'a', ...accepting('data') } }, web, rules).keys,
      ).toEqual(['data/reader']);
      expect(
        ask({ ...world, namespaceLabels: { team: 'b', ...accepting('data') } }, web, rules).keys,
      ).toEqual([]);
      expect(ask(world, web, rules).keys).toEqual([]);
    },
  );

  test('serves nobody where namespaces are closed and rights are not asked for', () => {
    const world = { bindings: [plain], identities: [allowing({ selector: {} })], namespaceLabels: {} };
    expect(ask(world, web).keys).toEqual([]);
  });

  test('serves no namespace that does not accept its own, where only allowedNamespaces counts', () => {
    const world = { bindings: [plain], identities: [allowing({ names: ['shop'] })] };
    for (const namespaceLabels of [
      undefined,
      {},
      accepting('attic'),
      { 'identities-from.aadpodidentity.k8s.io/data': 'false' },
    ])
      expect(ask({ ...world, ...(namespaceLabels && { namespaceLabels }) }, web, rbac)).toMatchObject({
        keys: [],
        mismatches: [{ reason: 'other-namespace' }],
      });
  });

  test('serves nobody by silence where only allowedNamespaces counts', () => {
    const world = {
      bindings: [plain],
      identities: [identity('data/reader')],
      namespaceLabels: accepting('data'),
    };
    expect(ask(world, web, open).keys).toEqual(['data/reader']);
    expect(ask(world, web, { ...open, byAllowedNamespaces: true }).keys).toEqual([]);
  });

  test('serves nobody when it is namespaced by its annotation', () => {
    const annotations = { 'aadpodidentity.k8s.io/Behavior': 'namespaced' };
    const closed = identity('data/reader', { allowedNamespaces: { names: ['shop'] } }, annotations);
    for (const rules of both)
      expect(ask({ bindings: [plain], identities: [closed] }, web, rules).keys).toEqual([]);
  });

  test.each(both)('is reached by no binding that asks for more than the label, with %j', (rules) => {
    const bindings = [
      binding('data/b', { selector: 'demo', serviceAccountName: 'front' }),
      binding('data/c', app),
    ];
    const world = { bindings, identities: [allowing({ names: ['shop'] })] };
    expect(ask(world, web, rules)).toMatchObject({ keys: [], mismatches: [{ reason: 'no-binding' }] });
  });

  test.each(both)('comes after the pod’s own and takes no name, with %j', (rules) => {
    const bindings = [plain, binding('shop/b', { selector: 'demo' })];
    const identities = [allowing({ names: ['shop'] }), identity('shop/reader')];
    const namespaceLabels = accepting('data');
    expect(ask({ bindings, identities, namespaceLabels }, web, rules).keys).toEqual([
      'shop/reader',
      'data/reader',
    ]);
  });

  test('that does not exist is nothing to tell, as one that allows nobody', () => {
    const world = { bindings: [plain], identities: [], namespaceLabels: accepting('data') };
    expect(ask(world, web, rbac)).toMatchObject({ keys: [], mismatches: [{ reason: 'other-namespace' }] });
  });

  test('is not hidden by a guest of an earlier namespace', () => {
    const bindings = [plain, binding('attic/b', { selector: 'demo' })];
    const identities = [
      allowing({ names: ['shop'] }),
      identity('attic/reader', { allowedNamespaces: { selector: {} } }),
    ];
    const namespaceLabels = accepting('attic', 'data');
    const result = ask({ bindings, identities, namespaceLabels }, web, rbac);
    expect(result.keys).toEqual(['attic/reader', 'data/reader']);
  });

  test('of the original’s kind comes first by its namespace, as there, but for own bindings with more', () => {
    const identities = [identity('data/reader'), identity('shop/reader')];
    const original = [plain, binding('shop/b', { selector: 'demo' })];
    const selecting = [plain, binding('shop/b', { selector: 'demo', ...app })];
    expect(ask({ bindings: original, identities }, web, open).keys).toEqual(['data/reader']);
    expect(ask({ bindings: selecting, identities }, web, open).keys).toEqual(['shop/reader']);
  });
});

test('a pod that has nothing is told a binding of another namespace that it might have meant', () => {
  const bindings = [
    binding('data/a', { selector: 'demo', serviceAccountName: 'front' }),
    binding('data/b', { selector: 'demo' }),
    binding('data/c', { selector: 'demo' }),
  ];
  expect(ask({ bindings }, web).mismatches).toEqual([
    { reason: 'other-namespace', binding: 'data/b', identity: 'data/reader' },
  ]);
});

test('what is wrong with an own binding is told beside what another one gives, and not that a third is for other pods', () => {
  const bindings = [
    binding('shop/a', { selector: 'demo', serviceAccountName: 'back' }),
    binding('shop/b', { selector: 'demo', azureIdentity: 'gone' }),
    binding('shop/c', { selector: 'demo' }),
  ];
  expect(ask({ bindings }, web)).toMatchObject({
    keys: ['shop/reader'],
    mismatches: [{ reason: 'identity-missing', binding: 'shop/b' }],
  });
});

test('one own binding with more than the original’s brings all own ones before those of other namespaces', () => {
  const bindings = [
    binding('data/b', { selector: 'demo' }),
    binding('shop/a', { selector: 'demo' }),
    binding('shop/b', { azureIdentity: 'other', ...app }),
  ];
  const identities = [identity('data/reader'), identity('shop/reader'), identity('shop/other')];
  const { keys } = ask({ bindings, identities }, web, { forceNamespaced: false });
  expect(keys).toEqual(['shop/reader', 'shop/other']);
});

describe('of many bindings', () => {
  const name = (index: number) => `b${String(index).padStart(3, '0')}`;
  const identitiesOf = (bindings: readonly AzureIdentityBinding[]) =>
    bindings.map(({ metadata, spec }) => identity(`${metadata.namespace ?? ''}/${spec.azureIdentity}`));

  test('as many count by podSelector as by the label, and the next one is told', () => {
    const bindings = Array.from({ length: 150 }, (_, index) =>
      binding(`shop/${name(index)}`, {
        azureIdentity: `x${index}`,
        ...(index % 2 === 0 ? app : { selector: 'demo' }),
      }),
    );
    const { matches, mismatches } = ask({ bindings, identities: identitiesOf(bindings) }, web);
    expect(matches).toHaveLength(mostBindingsPerNamespace);
    expect(mismatches).toEqual([
      { reason: 'too-many-bindings', binding: 'shop/b100', identity: 'shop/x100' },
    ]);
  });

  test('of another namespace, those whose identity is for no other namespace take no places', () => {
    const silent = Array.from({ length: 150 }, (_, index) =>
      binding(`data/${name(index)}`, { azureIdentity: `x${index}`, selector: 'demo' }),
    );
    const allowing = identity('data/reader', { allowedNamespaces: { names: ['shop'] } });
    const world = {
      bindings: [...silent, binding('data/z', { selector: 'demo' })],
      identities: [...identitiesOf(silent), allowing],
      namespaceLabels: accepting('data'),
    };
    const { keys } = ask(world, web, { forceNamespaced: true, byAllowedNamespaces: true });
    expect(keys).toEqual(['data/reader']);
  });

  describe('with conditions, the first hundred are compared with the pod', () => {
    const tooMany = { reason: 'too-many-bindings', binding: 'shop/b100', identity: 'shop/x100' };
    /** Only those from this index on select the pod. */
    const selectingFrom = (first: number) => {
      const bindings = Array.from({ length: 103 }, (_, index) =>
        binding(`shop/${name(index)}`, {
          azureIdentity: `x${index}`,
          ...(index < first ? { serviceAccountName: 'back' } : app),
        }),
      );
      return { bindings, identities: identitiesOf(bindings) };
    };

    test.each([100, 102])('also if those from %i on would select the pod', (first) => {
      const { matches, mismatches } = ask(selectingFrom(first), web);
      expect(matches).toEqual([]);
      expect(mismatches).toEqual([{ reason: 'no-binding' }, tooMany]);
    });

    test('and a pod that gets an identity is told too', () => {
      const { keys, mismatches } = ask(selectingFrom(99), web);
      expect(keys).toEqual(['shop/x99']);
      expect(mismatches).toEqual([tooMany]);
    });

    test('and the reason that the pod can do something about comes first', () => {
      const { bindings, identities } = selectingFrom(103);
      const other = binding('shop/a', { selector: 'demo', serviceAccountName: 'other' });
      const { mismatches } = ask({ bindings: [...bindings, other], identities }, web);
      expect(mismatches).toEqual([
        { reason: 'not-selected', binding: 'shop/a', identity: 'shop/reader' },
        { ...tooMany, binding: 'shop/b099', identity: 'shop/x99' },
      ]);
    });
  });
});
