import { describe, expect, it } from 'vitest';
import { createFacts } from '../snapshot/facts/host-facts.ts';
import type { ClusterSnapshot } from '../snapshot/test/cluster-snapshot.ts';
import { affectedBy, podsMisled } from './affected.ts';
import {
  assigned,
  binding,
  facts,
  hostOf,
  identity,
  idOf,
  instanceOf,
  node,
  pod,
  resourceIdOf,
  rules,
  snapshot,
} from './test/builders.ts';
import { knownOf } from './test/cluster-plan.ts';

const host = hostOf(instanceOf('vmss1'));
const world = (different: Partial<ClusterSnapshot>) => knownOf(snapshot(different), rules);
const refused = (...names: string[]) => new Set(names.map(idOf));

describe('who is told that identities were refused on a host', () => {
  const told = (different: Partial<ClusterSnapshot>, ...names: string[]) => {
    const { pods, identities } = affectedBy(world(different), host.id, refused(...names));
    return {
      pods: pods.map((one) => [one.pod.name, one.resourceId]),
      identities: identities.map((one) => [`${one.namespace}/${one.name}`, one.resourceId]),
    };
  };

  it('the AzureIdentity, and the pod whose object waits', () => {
    expect(told({ assigned: [assigned({ state: 'Created' })] }, 'reader')).toEqual({
      pods: [['web-0', idOf('reader')]],
      identities: [['default/reader', idOf('reader')]],
    });
  });

  it('no pod whose object is Assigned: it has what it needs', () => {
    expect(told({}, 'reader').pods).toEqual([]);
  });

  it('nobody, when another identity was refused', () => {
    expect(told({ assigned: [assigned({ state: 'Created' })] }, 'writer')).toEqual({
      pods: [],
      identities: [],
    });
  });

  it('of AzureIdentities of one resource those that pods of the host use, with their uid', () => {
    const spec = { type: 0, resourceID: resourceIdOf('reader') };
    const identities = [
      identity({ metadata: { uid: 'u1' } }),
      identity({ name: 'unused', spec }),
      identity({ name: 'elsewhere', spec }),
    ];
    const different = {
      identities,
      bindings: [binding(), binding({ azureIdentity: 'elsewhere', selector: 'other' })],
      pods: [pod(), pod({ name: 'far', node: 'node-1', label: 'other' })],
      nodes: [node(), node('node-1', instanceOf('vmss2'))],
    };
    const answer = affectedBy(world(different), host.id, refused('reader')).identities;
    expect(answer).toEqual([{ resourceId: idOf('reader'), namespace: 'default', name: 'reader', uid: 'u1' }]);
  });

  it('no AzureIdentity that is invalid by now', () => {
    const invalid = identity({ spec: { type: 0, resourceID: 'nonsense' } });
    expect(told({ identities: [invalid] }, 'reader').identities).toEqual([]);
  });
});

describe('whose record misleads after a host was read', () => {
  const misled = (different: Partial<ClusterSnapshot>, carried: readonly string[]) =>
    podsMisled(world(different), host.id, facts(host, carried));

  it('a pod with a record that says Assigned of what the host lacks', () => {
    expect(misled({}, [])).toEqual(['shop/web-0']);
  });

  it("one with the original's record of before 1.5, which has no state", () => {
    expect(misled({ assigned: [assigned({ state: '' })] }, [])).toEqual(['shop/web-0']);
  });

  it.each([
    ['the host carries it', {}, ['reader']],
    ['its record says that it waits', { assigned: [assigned({ state: 'Created' })] }, []],
    ['it has no record', { assigned: [] }, []],
    ['no pod needs it there', { pods: [] }, []],
    [
      'its record is of something else that no pod needs',
      { assigned: [assigned({ identity: { name: 'writer' } })] },
      [],
    ],
  ])('no pod, where %s', (_, different, carried) => {
    expect(misled(different, carried)).toEqual([]);
  });

  it('no pod, while the host was never read', () => {
    expect(podsMisled(world({}), host.id, createFacts(host))).toEqual([]);
  });

  it('no pod of another host', () => {
    const nodes = [node(), node('node-1', instanceOf('vmss2'))];
    const pods = [pod({ node: 'node-1' })];
    expect(misled({ nodes, pods, assigned: [assigned({ node: 'node-1' })] }, [])).toEqual([]);
  });
});
