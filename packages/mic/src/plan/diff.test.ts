import { assignedIdentityFinalizer, distinctAssignedIdentityName } from '@pod-identity/crd-types';
import { describe, expect, it } from 'vitest';
import type { ClusterSnapshot } from '../snapshot/test/cluster-snapshot.ts';
import { plan } from './test/cluster-plan.ts';
import {
  assigned,
  binding,
  clientIdOf,
  facts,
  factsMap,
  hostOf,
  identity,
  idOf,
  instanceOf,
  machine,
  node,
  pod,
  resourceIdOf,
  rules,
  snapshot,
  type PlanAndMatchingRules,
} from './test/builders.ts';
import type { AssignmentStep, DeleteReason } from './types.ts';
import type { PodView } from '../snapshot/views.ts';

const scaleSet = hostOf(instanceOf('vmss1'));

function stepsOf(
  different: Partial<ClusterSnapshot>,
  otherRules: Partial<PlanAndMatchingRules> = {},
): AssignmentStep[] {
  return plan(snapshot(different), { ...rules, ...otherRules }).hosts.flatMap(({ steps }) => steps);
}

function brief(step: AssignmentStep): string {
  if (step.kind === 'delete') return `delete ${step.current.namespace}/${step.current.name} (${step.why})`;
  return `${step.kind} ${step.assignment.objectNamespace}/${step.assignment.objectName}`;
}

const briefs = (different: Partial<ClusterSnapshot>, otherRules: Partial<PlanAndMatchingRules> = {}) =>
  stepsOf(different, otherRules).map(brief);

const own = 'default/web-0-shop-reader';

describe('what one pod has against what it should have', () => {
  it.each([
    ['Created', ['confirm']],
    ['Unassigned', ['confirm']],
    ['Assigned', []],
    ['', []],
  ])(
    'an object in state %j that says the right thing gets %j (W-C5: Unassigned is no dead end)',
    (state, kinds) => {
      expect(stepsOf({ assigned: [assigned({ state })] }).map(({ kind }) => kind)).toEqual(kinds);
    },
  );

  it('an object in Assigned whose identity the host is known to lack, and will not get now, is corrected: an editor can write one', () => {
    const refused = { until: Infinity, failures: 1, code: 'FailedIdentityOperation', message: 'no' } as const;
    const quarantined = new Map([[idOf('reader'), refused]]);
    const read = facts(scaleSet, [], { quarantined });
    for (const state of ['Assigned', ''])
      expect(briefs({ facts: factsMap(read), assigned: [assigned({ state })] })).toEqual([`update ${own}`]);
    // The host will carry it soon.
    expect(briefs({ facts: factsMap(facts(scaleSet)), assigned: [assigned()] })).toEqual([]);
    // A host that was not read may carry it: a running pod keeps its identity.
    const { present, ...unread } = read;
    expect(present?.size).toBe(0);
    expect(briefs({ facts: factsMap(unread), assigned: [assigned()] })).toEqual([]);
  });

  it('an object without the label by which NMI asks for it is brought up to date, as those of the original before 1.5.3', () => {
    expect(briefs({ assigned: [assigned({ label: 'node-1' })] })).toEqual([`update ${own}`]);
  });

  describe('is brought up to date when its meaning changes', () => {
    it.each<[string, Partial<ClusterSnapshot>]>([
      [
        'C37 E5 the identity points to another resource',
        { identities: [identity({ spec: { type: 0, resourceID: resourceIdOf('other') } })] },
      ],
      [
        'the client id changes',
        { identities: [identity({ spec: { type: 0, resourceID: resourceIdOf('reader'), clientID: 'x' } })] },
      ],
      [
        'C37 the pod of that name runs on another node now',
        { nodes: [node(), node('node-1', instanceOf('vmss1', 1))], pods: [pod({ node: 'node-1' })] },
      ],
      ['the pod was recreated under the same name', { pods: [pod({ uid: 'uid-2' })] }],
      [
        'the copy inside claims an identity of another namespace',
        { assigned: [assigned({ identity: { namespace: 'x' } })] },
      ],
      ['another binding gives the same identity', { bindings: [binding({ name: 'second' })] }],
      [
        'the identity is confined to its namespace from now on',
        {
          pods: [pod({ namespace: 'default' })],
          assigned: [assigned({ podNamespace: 'default' })],
          identities: [
            identity({ metadata: { annotations: { 'aadpodidentity.k8s.io/Behavior': 'namespaced' } } }),
          ],
        },
      ],
      [
        'the original’s finalizer is still on it',
        { assigned: [assigned({ finalizers: [assignedIdentityFinalizer] })] },
      ],
    ])('%s', (_, different) => {
      expect(stepsOf(different)).toMatchObject([{ kind: 'update', assignment: {}, current: {} }]);
    });
  });

  describe('is left alone when only words change (W-C7)', () => {
    const metadata = {
      labels: { team: 'a' },
      annotations: { note: 'edited' },
      resourceVersion: '99',
      uid: 'another',
    };
    it.each<[string, Partial<ClusterSnapshot>]>([
      ['labels, annotations and version of the identity', { identities: [identity({ metadata })] }],
      ['labels, annotations and version of the binding', { bindings: [binding({ metadata })] }],
      [
        'the case of ids',
        {
          identities: [
            identity({
              spec: {
                type: 0,
                resourceID: resourceIdOf('reader').toUpperCase(),
                clientID: clientIdOf('reader').toUpperCase(),
              },
            }),
          ],
        },
      ],
      ['the original did not write the pod’s uid', { assigned: [assigned({ podUid: null })] }],
    ])('%s', (_, different) => {
      expect(stepsOf(different)).toEqual([]);
    });
  });

  it('E9 a pod whose label is changed in place trades one object for another', () => {
    const different = {
      pods: [pod({ label: 'other' })],
      identities: [identity(), identity({ name: 'writer' })],
      bindings: [binding(), binding({ azureIdentity: 'writer', selector: 'other' })],
    };
    expect(briefs(different)).toEqual(['create default/web-0-shop-writer', `delete ${own} (unbound)`]);
  });

  it('E23 of two identities with one name the one in the first namespace is meant, and takes the object over', () => {
    const first = identity({ namespace: 'alpha' });
    const steps = stepsOf({
      identities: [identity(), first],
      bindings: [binding(), binding({ namespace: 'alpha' })],
    });
    expect(steps).toMatchObject([
      {
        kind: 'update',
        assignment: { objectName: 'web-0-shop-reader', identity: { metadata: { namespace: 'alpha' } } },
      },
    ]);
  });
});

describe('an object goes, and for this reason:', () => {
  const otherNode = node('node-1', instanceOf('vmss1', 1));
  const rows: Record<Exclude<DeleteReason, 'access-denied'>, Partial<ClusterSnapshot>[]> = {
    'pod-gone': [
      { pods: [] },
      // Recreated and not scheduled yet: the object belongs to the previous pod.
      { pods: [pod({ uid: 'uid-2', node: '' })] },
    ],
    'pod-finished': [{ pods: [pod({ phase: 'Succeeded' })] }, { pods: [pod({ phase: 'Failed' })] }],
    'pod-moved': [
      { nodes: [node(), otherNode], assigned: [assigned(), assigned({ name: 'old', node: 'node-1' })] },
    ],
    unbound: [
      { bindings: [] },
      { pods: [pod({ label: 'other' })] },
      // The node is on no Azure host, so nothing can carry the identity.
      { nodes: [node('node-0', 'kind://docker/kind/kind-worker')] },
    ],
    'identity-gone': [
      { identities: [] },
      // C35: an invalid resource id counts as no identity.
      { identities: [identity({ spec: { type: 0, resourceID: 'nonsense' } })] },
    ],
    'node-gone': [{ pods: [], nodes: [] }, { nodes: [] }],
    duplicate: [{ assigned: [assigned(), assigned({ name: 'second' })] }],
  };
  const table = Object.entries(rows).flatMap(([why, worlds]) => worlds.map((world) => [why, world] as const));

  it.each(table)('%s', (why, different) => {
    const steps = stepsOf(different).filter(({ kind }) => kind === 'delete');
    expect(steps).toMatchObject([{ kind: 'delete', why }]);
  });

  it('a pod recreated on another host gets its object updated there, and no other host touches it', () => {
    const { hosts } = plan(
      snapshot({
        nodes: [node(), node('node-1', machine('vm-1'))],
        pods: [pod({ node: 'node-1', uid: 'uid-2' })],
        facts: factsMap(
          facts(scaleSet, ['reader'], { oursNames: ['reader'] }),
          facts(hostOf(machine('vm-1')), ['reader']),
        ),
      }),
      rules,
    );
    expect(hosts.map(({ host, steps }) => [host?.kind, steps.map(({ kind }) => kind)])).toEqual([
      ['vm', ['update']],
    ]);
  });
});

describe('names of objects', () => {
  // Pod `a-b` in `c` and `a` in `b-c` get the same object name.
  const rivals = [pod({ name: 'a-b', namespace: 'c' }), pod({ name: 'a', namespace: 'b-c' })];
  const distinctOf = ({ name: podName, namespace: podNamespace, uid: podUid }: PodView) =>
    distinctAssignedIdentityName({
      podName,
      podNamespace,
      podUid,
      identityNamespace: 'default',
      identityName: 'reader',
    });

  it.each([0, 1])('whoever holds the object keeps the plain name (pod %j)', (position) => {
    const holder = rivals[position]!;
    const object = assigned({ podName: holder.name, podNamespace: holder.namespace });
    const steps = stepsOf({ pods: rivals, assigned: [object] });
    expect(steps).toMatchObject([{ kind: 'create', assignment: { pod: rivals[1 - position] } }]);
    expect(brief(steps[0]!)).not.toBe('create default/a-b-c-reader');
  });

  // Equal object names: pod `web` with `shop-x` and pod `web-shop` with `x` in one namespace, or pod `web` in two namespaces.
  it.each([
    ['another pod of the namespace', pod({ name: 'web-shop', label: 'x' }), { forceNamespaced: true }],
    ['a pod of that name in another namespace', pod({ namespace: 'shop-shop', name: 'web', label: 'x' }), {}],
  ])('the plain name of %s is not taken from it', (_, holder, more) => {
    const { namespace } = holder;
    const where = 'forceNamespaced' in more ? namespace : 'default';
    const named = (name: string) => ({ namespace: where, name });
    const different = {
      pods: [holder, pod({ name: 'web', label: 'long' })],
      identities: [identity(named('x')), identity(named('shop-x'))],
      bindings: [
        binding({ namespace: where, azureIdentity: 'x', selector: 'x' }),
        binding({ namespace: where, azureIdentity: 'shop-x', selector: 'long' }),
      ],
    };
    const plain = `${holder.name}-${namespace}-x`;
    expect(plain).toBe('web-shop-shop-x');
    const held = assigned({
      namespace: where,
      name: plain,
      podName: holder.name,
      podNamespace: namespace,
      identity: named('x'),
      binding: { namespace: where, azureIdentity: 'x', selector: 'x' },
    });
    const steps = stepsOf({ ...different, assigned: [held] }, more);
    expect(steps).toMatchObject([
      { kind: 'create', assignment: { pod: { name: 'web', namespace: 'shop' } } },
    ]);
    expect(brief(steps[0]!)).not.toBe(`create ${where}/${plain}`);
  });

  it('a pod keeps its distinct name after the collision has ended', () => {
    const [{ uid: podUid }] = rivals as [PodView, ...PodView[]];
    const parts = { podName: 'a-b', podNamespace: 'c', identityNamespace: 'default', identityName: 'reader' };
    const name = distinctAssignedIdentityName({ ...parts, podUid });
    const object = assigned({ podName: 'a-b', podNamespace: 'c', name });
    expect(briefs({ pods: [rivals[0]!], assigned: [object] })).toEqual([]);
  });

  it('an object of that name in another namespace is no claim to the plain name', () => {
    const [mine, rival] = rivals as [PodView, PodView];
    const objects = [
      assigned({ podName: 'a-b', podNamespace: 'c', namespace: 'elsewhere' }),
      assigned({ podName: rival.name, podNamespace: rival.namespace }),
    ];
    expect(briefs({ pods: rivals, assigned: objects })).toEqual([
      `create default/${distinctOf(mine)}`,
      'delete elsewhere/a-b-c-reader (duplicate)',
    ]);
  });

  it('an object under a name that MIC does not give is an editor’s, whatever it says: the pod gets its own', () => {
    expect(briefs({ assigned: [assigned({ name: 'forged' })] })).toEqual([
      `create ${own}`,
      'delete default/forged (duplicate)',
    ]);
  });

  it('of two objects for one assignment the one with the plain name is kept, whichever came first', () => {
    const parts = { podName: 'web-0', podNamespace: 'shop', podUid: 'uid-shop-web-0' };
    const identityParts = { identityNamespace: 'default', identityName: 'reader' };
    const name = distinctAssignedIdentityName({ ...parts, ...identityParts });
    const [plain, distinct] = [assigned(), assigned({ name })];
    for (const both of [
      [plain, distinct],
      [distinct, plain],
    ])
      expect(briefs({ assigned: both })).toEqual([`delete default/${distinct.name} (duplicate)`]);
  });

  it('no object is claimed twice by one pod, whatever somebody wrote into it', () => {
    const forged = assigned({ name: 'web-0-shop-writer', identity: { name: 'reader' } });
    const different = {
      identities: [identity(), identity({ name: 'writer' })],
      bindings: [binding(), binding({ azureIdentity: 'writer' })],
      assigned: [forged],
    };
    expect(briefs(different)).toEqual([
      'create default/web-0-shop-reader',
      'update default/web-0-shop-writer',
    ]);
  });

  it('an object in a namespace where the rules do not put it any more is replaced', () => {
    const different = {
      pods: [pod({ namespace: 'default' })],
      assigned: [assigned({ namespace: 'old', podNamespace: 'default' })],
    };
    expect(briefs(different)).toEqual([
      'create default/web-0-default-reader',
      'delete old/web-0-default-reader (duplicate)',
    ]);
  });
});

describe('objects that a pod does not need', () => {
  const surplus = (name: string) => assigned({ namespace: 'aaa', name });

  it('are removed after what the pod is to have was written, whatever they are called', () => {
    const steps = briefs({ assigned: ['a', 'b', 'c'].map(surplus) });
    expect(steps[0]).toBe(`create ${own}`);
    expect(steps).toHaveLength(4);
  });

  it('attack: are deleted once if a finalizer of an editor keeps them', () => {
    const kept = { ...surplus('kept'), isEnding: true as const };
    expect(briefs({ assigned: [assigned(), kept] })).toEqual([]);
    expect(briefs({ assigned: [assigned(), kept, surplus('last')] })).toEqual([
      'delete aaa/last (duplicate)',
    ]);
  });

  it('are deleted while the finalizer of the original keeps them', () => {
    const finalizers = [assignedIdentityFinalizer];
    const kept = { ...assigned({ namespace: 'aaa', name: 'kept', finalizers }), isEnding: true as const };
    expect(briefs({ assigned: [assigned(), kept] })).toEqual(['delete aaa/kept (duplicate)']);
  });
});
