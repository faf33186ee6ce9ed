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

  it('a host without nodes and pods is looked at when its last node goes, and when its first one comes', () => {
    const index = clean({ pods: [], assigned: [] });
    index.apply({ kind: 'node', key: 'node-0', view: undefined });
    expect(dirt(index)).toEqual({ [vmss1]: [] });
    index.apply({ kind: 'node', key: 'node-0', view: node() });
    expect(dirt(index)).toEqual({ [vmss1]: [] });
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
