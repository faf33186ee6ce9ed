import { describe, expect, it } from 'vitest';
import type { ClusterSnapshot } from '../snapshot/test/cluster-snapshot.ts';
import { planHost, podKeyOf } from './plan.ts';
import { isIdle, knownOf, plan } from './test/cluster-plan.ts';
import {
  assigned,
  binding,
  facts,
  hostOf,
  identity,
  idOf,
  instanceOf,
  node,
  now,
  pod,
  rules,
  snapshot,
} from './test/builders.ts';

const vmss1 = hostOf(instanceOf('vmss1'));
const carrying = facts(vmss1, ['reader'], { oursNames: ['reader'] });

describe('planning one host', () => {
  const two: Partial<ClusterSnapshot> = { pods: [pod(), pod({ name: 'web-1' })] };
  const planned = (different: Partial<ClusterSnapshot>, dirtyPods?: string[]) => {
    const { index, records } = knownOf(snapshot(different), rules);
    return planHost(index, vmss1.id, {
      facts: carrying,
      now,
      rules,
      records,
      ...(dirtyPods && { dirtyPods }),
    });
  };

  it('looks at the dirty pods only, or at all when none are named', () => {
    expect(planned({ ...two, assigned: [] }, ['shop/web-1']).steps.map(podKeyOf)).toEqual(['shop/web-1']);
    expect(planned({ ...two, assigned: [] }).steps.map(podKeyOf)).toEqual(['shop/web-0', 'shop/web-1']);
    expect(planned({ ...two, assigned: [] }, []).steps).toEqual([]);
  });

  it('leaves pods of other hosts to those, even when they are named', () => {
    const elsewhere = { nodes: [node('node-0', instanceOf('vmss2'))], assigned: [] };
    expect(planned(elsewhere, ['shop/web-0']).steps).toEqual([]);
  });

  it('looks at the dirty pods only where the nodes have no host', () => {
    const gone = { pods: [], nodes: [], assigned: [assigned(), assigned({ podName: 'web-1' })] };
    const { index, records } = knownOf(snapshot(gone), rules);
    const of = (dirtyPods: string[]) =>
      planHost(index, undefined, { facts: undefined, now, rules, records, dirtyPods }).steps.map(podKeyOf);
    expect(of(['shop/web-1'])).toEqual(['shop/web-1']);
    expect(of([])).toEqual([]);
  });

  it('tells what is needed, whatever is dirty', () => {
    expect(planned(two, []).needed).toEqual(new Set([idOf('reader')]));
  });
});

it('an object that waits for an identity which is attached with this plan is confirmed by it', () => {
  const world = snapshot({
    assigned: [assigned({ state: 'Created' })],
    facts: new Map([[vmss1.id, facts(vmss1)]]),
  });
  expect(plan(world, rules).hosts).toMatchObject([
    { attach: [idOf('reader')], steps: [{ kind: 'confirm' }] },
  ]);
});

it('C50 after what was missing has been attached nothing is missing', () => {
  const world = (names: string[]) => snapshot({ facts: new Map([[vmss1.id, facts(vmss1, names)]]) });
  expect(plan(world([]), rules).hosts).toMatchObject([{ attach: [idOf('reader')] }]);
  expect(plan(world(['reader']), rules).hosts).toEqual([]);
});

it('C49 with no pods there is nothing to do and no host to ask', () => {
  expect(plan(snapshot({ pods: [], assigned: [], facts: new Map() }), rules)).toEqual({
    hosts: [],
    skips: [],
  });
});

it('C48 an identity that Azure refuses holds back only its own pod', () => {
  const quarantined = new Map([
    [idOf('bad'), { until: Infinity, failures: 1, code: 'Unknown' as const, message: '' }],
  ]);
  const world = snapshot({
    pods: [pod(), pod({ name: 'web-1', label: 'bad' })],
    identities: [identity(), identity({ name: 'bad' })],
    bindings: [binding(), binding({ azureIdentity: 'bad', selector: 'bad' })],
    assigned: [
      assigned({ state: 'Created' }),
      assigned({
        podName: 'web-1',
        state: 'Created',
        identity: { name: 'bad' },
        binding: { azureIdentity: 'bad', selector: 'bad' },
      }),
    ],
    facts: new Map([[vmss1.id, facts(vmss1, ['reader'], { quarantined })]]),
  });
  const { hosts } = plan(world, rules);
  expect(hosts).toMatchObject([
    { attach: [], steps: [{ kind: 'confirm', assignment: { pod: { name: 'web-0' } } }] },
  ]);
  expect(hosts.every(isIdle)).toBe(false);
});

it('of a host that is not known there is nothing to plan', () => {
  const { index, records } = knownOf(snapshot({ nodes: [], assigned: [] }), rules);
  const planned = planHost(index, vmss1.id, { facts: undefined, now, rules, records });
  expect(planned).toMatchObject({ host: undefined, attach: [], read: false, steps: [] });
  expect(isIdle(planned)).toBe(true);
});

it('why pods get nothing is told in the order of their names', () => {
  const pods = ['b', 'c', 'a'].map((name) => pod({ name, label: 'other' }));
  const { skips } = plan(snapshot({ pods, assigned: [] }), rules);
  expect(skips.map((skip) => skip.pod.name)).toEqual(['a', 'b', 'c']);
});
