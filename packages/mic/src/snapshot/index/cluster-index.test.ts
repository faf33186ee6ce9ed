import type { NamespaceView } from '@pod-identity/crd-types';
import { describe, expect, it } from 'vitest';
import {
  assigned,
  binding,
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
} from '../../plan/test/builders.ts';
import type { PodView } from '../views.ts';
import type { ClusterIndex } from './cluster-index.ts';
import { indexOf, type ClusterSnapshot } from '../test/cluster-snapshot.ts';

const vmss1 = hostOf(instanceOf('vmss1')).id;
const vm1 = hostOf(machine('vm-1')).id;
const reader = idOf('reader');

/** Filled, with nothing dirty: only the test's changes make something dirty. */
function clean(different: Partial<ClusterSnapshot> = {}): ClusterIndex {
  const nodes = [node(), node('node-1', machine('vm-1'))];
  const index = indexOf(snapshot({ nodes, ...different }), rules);
  for (const host of [...index.dirtyHosts()]) index.takeDirty(host);
  index.takeConcerned();
  return index;
}

function dirt(index: ClusterIndex) {
  const hosts = [...index.dirtyHosts()];
  return Object.fromEntries(hosts.map((host) => [host ?? 'none', [...index.takeDirty(host)]]));
}

const setPod = (index: ClusterIndex, view: PodView) =>
  index.apply({ kind: 'pod', key: `${view.namespace}/${view.name}`, view });
const dropPod = (index: ClusterIndex) => index.apply({ kind: 'pod', key: 'shop/web-0', view: undefined });

describe('what a change makes dirty', () => {
  it('a new pod: itself, on its host', () => {
    const index = clean();
    setPod(index, pod({ name: 'web-1' }));
    expect(dirt(index)).toEqual({ [vmss1]: ['shop/web-1'] });
  });

  it('a pod that is gone: itself, on its host, for its records', () => {
    const index = clean();
    dropPod(index);
    expect(dirt(index)).toEqual({ [vmss1]: ['shop/web-0'] });
    expect([...index.podKeysOn(vmss1)]).toEqual([]);
  });

  it('a pod recreated elsewhere: both hosts, itself on the new one', () => {
    const index = clean();
    setPod(index, pod({ node: 'node-1', uid: 'uid-2' }));
    expect(dirt(index)).toEqual({ [vmss1]: [], [vm1]: ['shop/web-0'] });
  });

  it('an unscheduled pod is with the pods on no host', () => {
    const index = clean();
    setPod(index, pod({ name: 'web-1', node: '' }));
    expect(dirt(index)).toEqual({ none: ['shop/web-1'] });
    expect([...index.podKeysOn(undefined)]).toEqual(['shop/web-1']);
  });

  it('a node that comes after its pods: the pods, on the host that it brings', () => {
    const index = clean({ nodes: [] });
    expect([...index.podKeysOn(undefined)]).toEqual(['shop/web-0']);
    index.apply({ kind: 'node', key: 'node-0', view: node() });
    expect(dirt(index)).toEqual({ [vmss1]: ['shop/web-0'] });
    expect(index.need(vmss1).get(reader)).toBe(1);
  });

  it('a node recreated under the same name on another host: its pods, and the host that it left', () => {
    const index = clean();
    index.apply({ kind: 'node', key: 'node-0', view: node('node-0', machine('vm-1')) });
    expect(dirt(index)).toEqual({ [vm1]: ['shop/web-0'], [vmss1]: [] });
    expect([index.need(vmss1).size, index.need(vm1).get(reader)]).toEqual([0, 1]);
    expect(index.host(vmss1)).toBeUndefined();
  });

  it('a node that says the same as before: nothing', () => {
    const index = clean();
    index.apply({ kind: 'node', key: 'node-0', view: node() });
    expect(dirt(index)).toEqual({});
  });

  it('the meaning of an identity: the pods that get it, and no others', () => {
    const index = clean({ pods: [pod(), pod({ name: 'web-1', label: 'other' })] });
    index.apply({ kind: 'identity', key: 'default/reader', view: identity({ spec: { type: 1 } }) });
    expect(dirt(index)).toEqual({ [vmss1]: ['shop/web-0'] });
  });

  it.each(['identity', 'binding'] as const)(
    'W-C7 the metadata of one %s: nothing, but the new copy is handed out',
    (kind) => {
      const index = clean();
      const metadata = { resourceVersion: '7' };
      if (kind === 'identity') index.apply({ kind, key: 'default/reader', view: identity({ metadata }) });
      else index.apply({ kind, key: 'default/reader-binding', view: binding({ metadata }) });
      expect(dirt(index)).toEqual({});
      expect(index.matchSet('shop', 'demo').matches[0]?.[kind].metadata.resourceVersion).toBe('7');
    },
  );

  it('a binding that changes its selector: the pods of both labels', () => {
    const index = clean({ pods: [pod(), pod({ name: 'web-1', label: 'other' })] });
    index.apply({ kind: 'binding', key: 'default/reader-binding', view: binding({ selector: 'other' }) });
    expect(dirt(index)).toEqual({ [vmss1]: ['shop/web-0', 'shop/web-1'] });
    expect(index.need(vmss1).get(reader)).toBe(1);
  });

  it('a record: its pod, or if that is gone its key, with the node of the record', () => {
    const index = clean();
    index.recordChanged(assigned({ node: 'node-1' }));
    expect(dirt(index)).toEqual({ [vmss1]: ['shop/web-0'] });
    index.recordChanged(assigned({ podName: 'gone', node: 'node-1' }));
    expect(dirt(index)).toEqual({ [vm1]: ['shop/gone'] });
  });

  it('why the labels of a Namespace are not known: its pods, which are told', () => {
    const index = clean();
    const look = (fault: Pick<NamespaceView, 'labelsFault'>) => {
      const view = { name: 'shop', labels: undefined, access: undefined, ...fault };
      index.apply({ kind: 'namespace', key: 'shop', view });
      return dirt(index);
    };
    expect(look({})).toEqual({});
    expect(look({ labelsFault: 'too many' })).toEqual({ [vmss1]: ['shop/web-0'] });
    expect(look({ labelsFault: 'too many' })).toEqual({});
    expect(look({})).toEqual({ [vmss1]: ['shop/web-0'] });
  });

  it('what could not be done: exactly that; a new term: everything', () => {
    const index = clean();
    index.markDirty(['shop/web-0', 'shop/unknown']);
    expect(dirt(index)).toEqual({ [vmss1]: ['shop/web-0'] });
    index.markAllDirty();
    expect(dirt(index)).toEqual({ [vmss1]: ['shop/web-0'], [vm1]: [] });
  });
});

describe('what hosts need', () => {
  it('is counted per host, whatever happens to the pods', () => {
    const index = clean();
    const count = () => [index.need(vmss1).get(reader), index.need(vm1).get(reader)];
    setPod(index, pod({ name: 'web-1' }));
    expect(count()).toEqual([2, undefined]);
    setPod(index, pod({ name: 'web-1', node: 'node-1' }));
    expect(count()).toEqual([1, 1]);
    expect([...index.hostsUsing('default/reader')].sort()).toEqual([vmss1, vm1].sort());
    setPod(index, pod({ name: 'web-1', node: 'node-1', phase: 'Succeeded' }));
    dropPod(index);
    expect(count()).toEqual([undefined, undefined]);
    expect([...index.hostsUsing('default/reader')]).toEqual([]);
  });

  it('one pod with two AzureIdentities of one resource needs it once', () => {
    const index = clean({
      identities: [
        identity(),
        identity({ namespace: 'shop', name: 'twin', spec: { type: 0, resourceID: reader } }),
      ],
      bindings: [binding(), binding({ namespace: 'shop', azureIdentity: 'twin' })],
    });
    expect(index.need(vmss1).get(reader)).toBe(1);
    dropPod(index);
    expect(index.need(vmss1).size).toBe(0);
  });
});

it('what pods of one label get is worked out once, and forgotten with the last of them', () => {
  const index = clean();
  const first = index.matchSet('shop', 'demo');
  setPod(index, pod({ name: 'web-1' }));
  dropPod(index);
  expect(index.matchSet('shop', 'demo')).toBe(first);
  index.apply({ kind: 'pod', key: 'shop/web-1', view: undefined });
  expect(index.matchSet('shop', 'demo')).not.toBe(first);
});

describe('whose condition may have changed', () => {
  it('an identity that was edited, and the bindings that name it', () => {
    const index = clean();
    index.apply({ kind: 'identity', key: 'default/reader', view: undefined });
    expect(index.takeConcerned()).toEqual({
      identities: new Set(['default/reader']),
      bindings: new Set(['default/reader-binding']),
    });
    expect(index.takeConcerned()).toEqual({ identities: new Set(), bindings: new Set() });
  });

  it('what was edited, whether pods use it or not', () => {
    const index = clean({ pods: [], assigned: [] });
    const edited = identity({ name: 'unused' });
    index.apply({ kind: 'identity', key: edited.key, view: edited });
    expect(index.takeConcerned()).toEqual({ identities: new Set([edited.key]), bindings: new Set() });
    const view = binding({ azureIdentity: 'unused' });
    index.apply({ kind: 'binding', key: view.key, view });
    expect(index.takeConcerned()).toEqual({ identities: new Set(), bindings: new Set([view.key]) });
  });

  it('none, when a pod comes or goes that gets nothing', () => {
    const index = clean({ pods: [], assigned: [] });
    setPod(index, pod({ label: 'other' }));
    dropPod(index);
    expect(index.takeConcerned()).toEqual({ identities: new Set(), bindings: new Set() });
  });

  it('an identity that a host begins or ceases to need; not at each pod', () => {
    const index = clean();
    setPod(index, pod({ name: 'web-1' }));
    expect(index.takeConcerned().identities).toEqual(new Set());
    index.apply({ kind: 'pod', key: 'shop/web-1', view: undefined });
    expect(index.takeConcerned().identities).toEqual(new Set());
    setPod(index, pod({ node: '' }));
    expect(index.takeConcerned().identities).toEqual(new Set(['default/reader']));
    setPod(index, pod());
    expect(index.takeConcerned().identities).toEqual(new Set(['default/reader']));
    setPod(index, pod({ name: 'web-1' }));
    setPod(index, pod({ name: 'web-2', node: 'node-1' }));
    expect(index.takeConcerned().identities).toEqual(new Set(['default/reader']));
    expect(index.concernedBy(vm1)).toEqual(new Set(['default/reader']));
  });
});

it('finds bindings by identity, hosts by node', () => {
  const index = clean();
  expect([...index.objects.bindingsNaming('default/reader')]).toEqual(['default/reader-binding']);
  expect(index.nodeHost('node-0').host?.id).toBe(vmss1);
  expect(index.nodeHost('node-1').host?.id).toBe(vm1);
  expect(index.host(vm1)?.kind).toBe('vm');
  expect(index.nodeHost('nowhere').exists).toBe(false);
});

describe('what the index knows', () => {
  it('of an identity in Azure: the namespaces that claim it, each once', () => {
    const spec = { type: 0, resourceID: resourceIdOf('reader') };
    const identities = [
      identity(),
      identity({ name: 'again', spec }),
      identity({ name: 'mine', namespace: 'shop', spec }),
    ];
    const index = clean({ identities });
    expect([...index.objects.claimants(reader)].sort()).toEqual(['default', 'shop']);
    expect(index.objects.claimants(idOf('nobody'))).toEqual([]);
  });

  it('of what is not there: nothing', () => {
    const index = clean();
    expect([index.homeOf('shop/none'), index.pod('shop/none')]).toEqual([undefined, undefined]);
    expect(index.nodeHost('nowhere')).toEqual({ exists: false });
  });

  it('a host is known as long as one of its nodes is', () => {
    const index = clean({ nodes: [node(), node('node-2', instanceOf('vmss1', 2))] });
    const drop = (key: string) => index.apply({ kind: 'node', key, view: undefined });
    drop('node-0');
    expect([index.host(vmss1)?.id, index.nodeHost('node-0').exists]).toEqual([vmss1, false]);
    drop('node-2');
    expect(index.host(vmss1)).toBeUndefined();
  });

  it('a host without nodes and pods is looked at when its last node goes, and when its first one comes', () => {
    const index = clean({ pods: [], assigned: [] });
    index.apply({ kind: 'node', key: 'node-0', view: undefined });
    expect(dirt(index)).toEqual({ [vmss1]: [] });
    index.apply({ kind: 'node', key: 'node-0', view: node() });
    expect(dirt(index)).toEqual({ [vmss1]: [] });
  });

  it('no pod is on a host or on none once it is gone', () => {
    const index = clean({ assigned: [] });
    dropPod(index);
    expect([...index.podKeysOn(vmss1), ...index.podKeysOn(undefined)]).toEqual([]);
    index.apply({ kind: 'node', key: 'node-1', view: undefined });
    expect([...index.podKeysOn(undefined)]).toEqual([]);
  });

  it('a pod that is made anew and unscheduled is on no host, and needs nothing on the one before', () => {
    const index = clean();
    setPod(index, pod({ node: '', uid: 'uid-2' }));
    expect(index.homeOf('shop/web-0')).toBeUndefined();
    expect(index.need(vmss1).size).toBe(0);
  });

  it('nodes of one scale set share their host; of a node without one, why, as it is by now', () => {
    const second = node('node-2', instanceOf('vmss1', 2));
    const index = clean({ nodes: [node(), second, node('node-3', 'aws:///i-1')] });
    expect(index.nodeHost('node-2')).toEqual({ exists: true, host: index.host(vmss1) });
    expect(index.nodeHost('node-2').host).toBe(index.nodeHost('node-0').host);
    expect(index.host(vmss1)).toBe(index.nodeHost('node-0').host);
    const problem = () => index.nodeHost('node-3').problem ?? '';
    const before = problem();
    expect(before).toMatch(/^providerID /);
    index.apply({ kind: 'node', key: 'node-3', view: node('node-3', '') });
    expect(problem()).toMatch(/^providerID /);
    expect(problem()).not.toBe(before);
    index.apply({ kind: 'node', key: 'node-3', view: node('node-3', machine('vm-3')) });
    expect(index.nodeHost('node-3').host?.id).toBe(hostOf(machine('vm-3')).id);
  });

  it('of a service principal: that no host needs or uses it', () => {
    const spec = { type: 1, clientID: 'c', tenantID: 't', clientPassword: { name: 's' } };
    const index = clean({ identities: [identity({ spec })] });
    const [match] = index.matchSet('shop', 'demo').matches;
    expect(match?.identityKey).toBe('default/reader');
    expect(match).not.toHaveProperty('resourceId');
    expect([index.need(vmss1).size, index.concernedBy(vmss1).size]).toEqual([0, 0]);
    expect([...index.hostsUsing('default/reader')]).toEqual([]);
  });

  it('which identity a binding names and which resource an identity is, as it is by now', () => {
    const index = clean();
    const moved = identity({ spec: { type: 0, resourceID: resourceIdOf('other') } });
    index.apply({ kind: 'identity', key: moved.key, view: moved });
    expect([index.objects.claimants(reader), index.objects.claimants(idOf('other'))]).toEqual([
      [],
      ['default'],
    ]);
    expect([...index.need(vmss1).keys()]).toEqual([idOf('other')]);
    const renamed = binding({ name: 'reader-binding', azureIdentity: 'another' });
    index.apply({ kind: 'binding', key: renamed.key, view: renamed });
    expect([...index.objects.bindingsNaming('default/reader')]).toEqual([]);
    expect([...index.objects.bindingsNaming('default/another')]).toEqual(['default/reader-binding']);
  });

  it('what a pod with several identities needs, when one of them becomes another', () => {
    const index = clean({
      identities: [identity(), identity({ name: 'writer' })],
      bindings: [binding(), binding({ azureIdentity: 'writer' })],
    });
    const spec = { type: 0, resourceID: resourceIdOf('other') };
    index.apply({ kind: 'identity', key: 'default/writer', view: identity({ name: 'writer', spec }) });
    expect([...index.need(vmss1).keys()].sort()).toEqual([idOf('other'), reader].sort());
  });

  it('when a term begins every condition is judged again', () => {
    const index = clean();
    index.markAllDirty();
    const { identities, bindings } = index.takeConcerned();
    expect([[...identities], [...bindings]]).toEqual([['default/reader'], ['default/reader-binding']]);
    expect(index.takeConcerned()).toEqual({ identities: new Set(), bindings: new Set() });
    index.apply({ kind: 'identity', key: 'default/reader', view: undefined });
    index.apply({ kind: 'binding', key: 'default/reader-binding', view: undefined });
    index.takeConcerned();
    index.markAllDirty();
    expect(index.takeConcerned()).toEqual({ identities: new Set(), bindings: new Set() });
  });
});

describe('with identities of the own namespace only, what an editor changes', () => {
  const namespaced = () => {
    const index = indexOf(
      snapshot({
        nodes: [node()],
        pods: [pod(), pod({ namespace: 'bank', name: 'pay' })],
        identities: [identity({ namespace: 'shop' }), identity({ namespace: 'evil' })],
        bindings: [binding({ namespace: 'shop' }), binding({ namespace: 'evil' })],
        assigned: [],
      }),
      { ...rules, forceNamespaced: true },
    );
    index.matchSet('shop', 'demo');
    dirt(index);
    return index;
  };
  const edited = (name: string) => binding({ namespace: 'evil', azureIdentity: name });

  it('makes no pod of another namespace dirty that has bindings of its own; one that has none is told', () => {
    const index = namespaced();
    const before = index.matchSet('shop', 'demo');
    index.apply({ kind: 'binding', key: edited('other').key, view: edited('other') });
    expect(dirt(index)).toEqual({ [vmss1]: ['bank/pay'] });
    const changed = identity({
      namespace: 'evil',
      spec: { type: 0, resourceID: resourceIdOf('x'), clientID: 'x' },
    });
    index.apply({ kind: 'binding', key: edited('reader').key, view: edited('reader') });
    dirt(index);
    index.apply({ kind: 'identity', key: changed.key, view: changed });
    // It is told the same as before.
    expect(dirt(index)).toEqual({});
    expect(index.matchSet('shop', 'demo')).toBe(before);
  });

  it('makes those dirty again that lose or get their own', () => {
    const index = namespaced();
    const own = binding({ namespace: 'shop' });
    index.apply({ kind: 'binding', key: own.key, view: undefined });
    expect(dirt(index)[vmss1]).toContain('shop/web-0');
    expect(index.matchSet('shop', 'demo').matches).toEqual([]);
    index.apply({ kind: 'binding', key: own.key, view: own });
    expect(dirt(index)[vmss1]).toContain('shop/web-0');
    expect(index.matchSet('shop', 'demo').matches).toHaveLength(1);
  });
});
