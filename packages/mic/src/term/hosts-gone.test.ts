// What is kept in memory of machines that come and go, as nodes made by an autoscaler do.
import type { ResourceId } from '@pod-identity/crd-types';
import { KubeError } from '@pod-identity/kit/kube';
import { createFakeClock } from '@pod-identity/kit/testing';
import { expect, test } from 'vitest';
import { HostChanger } from '../apply/apply-host.ts';
import type { HostIdentities } from '../apply/host-identities.ts';
import { Ledger, type ConfigMap } from '../apply/ledger.ts';
import { createHostMemory } from '../apply/memory.ts';
import { createFakeResource } from '../apply/test/fake-kube.ts';
import { createFakeLog } from '../apply/test/fake-log.ts';
import { Records } from '../plan/records.ts';
import * as build from '../plan/test/builders.ts';
import { createReconciler } from '../reconcile.ts';
import type { PresentIdentity } from '../snapshot/facts/facts.ts';
import { ClusterIndex } from '../snapshot/index/cluster-index.ts';
import { createHostQueues, type HostQueues } from './host-queues.ts';
import { queueNameOf } from './loop.ts';

const hour = 60 * build.minute;

function setUp() {
  const clock = createFakeClock(build.now);
  const now = () => clock.now();
  const index = new ClusterIndex({ forceNamespaced: false });
  for (const view of [build.identity()]) index.apply({ kind: 'identity', key: view.key, view });
  for (const view of [build.binding()]) index.apply({ kind: 'binding', key: view.key, view });
  const carried = new Map<ResourceId, Map<ResourceId, PresentIdentity>>();
  const faults = { isRefusing: false };
  let writes = 0;
  const configMaps = createFakeResource<ConfigMap>('record', (name, apply) => {
    writes += 1;
    if (faults.isRefusing && name.startsWith('delete'))
      return Promise.reject(new KubeError('denied', 'you may not delete configmaps'));
    return Promise.resolve(apply());
  });
  const identities: HostIdentities = {
    read: ({ id }) => Promise.resolve({ kind: 'read', present: new Map(carried.get(id)) }),
    async update({ id }, { attach, detach }, context) {
      await context.beforePatch(attach, Math.max(context.spentUntil ?? 0, now()) + 1_000);
      const present = carried.get(id) ?? new Map<ResourceId, PresentIdentity>();
      for (const one of attach) present.set(one, { clientId: build.clientIdOf('reader'), principalId: 'p' });
      for (const one of detach) present.delete(one);
      carried.set(id, present);
      return { present: new Map(present), rejected: [], patches: 1 };
    },
  };
  const term = { signal: new AbortController().signal, holds: () => true };
  const memory = createHostMemory();
  const log = createFakeLog();
  const ledger = new Ledger({ configMaps, namespace: 'mic', term, log });
  const queues: HostQueues = createHostQueues({
    clock,
    log,
    signal: term.signal,
    turnsWith: (azure) =>
      createReconciler({
        index,
        memory,
        now,
        azure,
        records: new Records(),
        rules: () => build.rules,
        inTurn: (work) => Promise.resolve().then(work),
        onPass: () => undefined,
        onPlanned: () => undefined,
        assignments: { apply: () => Promise.resolve({ unfinished: [] }) },
        hosts: new HostChanger({
          identities,
          ledger,
          memory,
          term,
          now,
          random: () => 0.5,
          isNeeded: (on, id) => index.need(on).has(id),
          granted: (on) => index.granted(on).keys(),
          claimants: (id) => index.objects.claimants(id),
          report: () => undefined,
          onRecordNotSaved: () => undefined,
        }),
      }),
  });
  const sweep = () => {
    index.settle();
    for (const host of index.dirtyHosts()) queues.objects.poke(queueNameOf(host));
  };
  return {
    clock,
    carried,
    faults,
    writes: () => writes,
    memory,
    configMaps,
    kept: () => ({ facts: memory.all.size, queues: [queues.objects.size, queues.azure.size] }),
    arrive: (name: string, label: string) => {
      index.apply({ kind: 'node', key: name, view: build.node(name, build.machine(name)) });
      const pod = build.pod({ name: `on-${name}`, node: name, label });
      index.apply({ kind: 'pod', key: `shop/on-${name}`, view: pod });
      sweep();
    },
    leave: (name: string, { podFirst = true } = {}) => {
      const pod = () => index.apply({ kind: 'pod', key: `shop/on-${name}`, view: undefined });
      if (podFirst) pod();
      index.apply({ kind: 'node', key: name, view: undefined });
      if (!podFirst) pod();
      carried.delete(build.hostOf(build.machine(name)).id);
      sweep();
    },
  };
}

const names = Array.from({ length: 100 }, (_, at) => `vm-${at}`);

test.each([
  ['whose pods needed an identity', 'demo'],
  ['whose pods needed nothing', 'none'],
])('of machines that came and went, %s, nothing is kept', async (_, label) => {
  const { clock, arrive, leave, kept, configMaps } = setUp();
  for (const name of names) arrive(name, label);
  await clock.advance(build.minute);
  expect(kept().queues[0]).toBe(names.length);
  for (const [at, name] of names.entries()) leave(name, { podFirst: at % 2 === 0 });
  await clock.advance(hour);
  // Pods that outlived their node were planned in the one lane of those without a machine.
  expect(kept()).toEqual({ facts: 0, queues: [1, 0] });
  expect([...configMaps.objects.keys()]).toEqual([]);
});

test('of a machine whose node is gone nothing is forgotten while it carries what MIC attached, and its node finds it when it comes back', async () => {
  const { clock, arrive, leave, memory, carried } = setUp();
  arrive('vm-a', 'demo');
  await clock.advance(build.minute);
  const { id } = build.hostOf(build.machine('vm-a'));
  const attached = new Map(carried.get(id));
  expect([...attached.keys()]).toEqual([build.idOf('reader')]);
  leave('vm-a');
  carried.set(id, attached);
  await clock.advance(build.minute);
  expect([...(memory.facts(id)?.ours.keys() ?? [])]).toEqual([build.idOf('reader')]);
  arrive('vm-a', 'demo');
  await clock.advance(hour);
  expect([...(memory.facts(id)?.ours.keys() ?? [])]).toEqual([build.idOf('reader')]);
});

test('a machine is not forgotten before its empty record is saved, which is tried at most every five seconds', async () => {
  const { clock, arrive, leave, kept, faults, writes } = setUp();
  arrive('vm-a', 'demo');
  await clock.advance(build.minute);
  faults.isRefusing = true;
  leave('vm-a');
  await clock.advance(hour);
  expect(kept().facts).toBe(1);
  const before = writes();
  await clock.advance(build.minute);
  expect(writes() - before).toBeGreaterThan(0);
  expect(writes() - before).toBeLessThanOrEqual(13);
  faults.isRefusing = false;
  await clock.advance(build.minute);
  expect(kept()).toEqual({ facts: 0, queues: [0, 0] });
});
