import type { ResourceId } from '@pod-identity/crd-types';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { ClusterIndex } from '../snapshot/index/cluster-index.ts';
import type { PresentIdentity } from '../snapshot/facts/facts.ts';
import type { HostKey } from '../snapshot/index/host-groups.ts';
import type { ClusterSnapshot } from '../snapshot/test/cluster-snapshot.ts';
import type { BindingView, IdentityView, AssignedView, NodeView, PodView } from '../snapshot/views.ts';
import { decidePod } from './desired.ts';
import { objectKey } from './diff.ts';
import { planHost, podKeyOf } from './plan.ts';
import { Records } from './records.ts';
import { applyTo, isIdle, knownOf, plan, podsWith, type Change } from './test/cluster-plan.ts';
import {
  alive,
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
  now,
  pod,
  resourceIdOf,
  rules,
  type PlanAndMatchingRules,
} from './test/builders.ts';
import { Model } from './test/model.ts';
import type { AssignmentStep, HostPlan } from './types.ts';

const providerIds: Readonly<Record<string, string>> = {
  n0: instanceOf('vmss1', 0),
  n1: instanceOf('vmss1', 1),
  n2: instanceOf('vmss2', 0),
  n3: machine('vm-1'),
  n4: 'kind://docker/kind/n4',
};
const hosts = ['n0', 'n2', 'n3'].map((name) => hostOf(providerIds[name]!));
const resourceNames = ['r0', 'r1', 'r2', 'r3'];
const immutable = 'r3';
const modelRules: PlanAndMatchingRules = {
  ...rules,
  detachGraceMs: 120_000,
  driftPeriodMs: 300_000,
  immutableClientIds: new Set([clientIdOf(immutable)]),
};

// Names that collide when concatenated: `a-b` in `c` and `a` in `b-c`.
const namespaces = fc.constantFrom('c', 'b-c');
const podNames = fc.constantFrom('a', 'a-b', 'web-0');
const nodeNames = fc.constantFrom(...Object.keys(providerIds));
const labels = fc.constantFrom('s0', 's1');
const identityNames = fc.constantFrom('i0', 'b-c-i0', 'i1');
const spelling = fc.constantFrom<(text: string) => string>(
  (text) => text,
  (text) => text.toUpperCase(),
);

const pods: fc.Arbitrary<PodView> = fc
  .record({
    namespace: namespaces,
    name: podNames,
    node: fc.oneof({ weight: 8, arbitrary: nodeNames }, fc.constant(''), fc.constant('missing')),
    label: labels,
    uid: fc.constantFrom('u1', 'u2'),
    phase: fc.constantFrom('Running', 'Running', 'Running', 'Succeeded'),
    createdAt: fc.constantFrom(now, now + 1000),
    // Mirror pods have none.
    serviceAccount: fc.constantFrom('default', 'default', 'default', ''),
  })
  .map(pod);
const nodes: fc.Arbitrary<NodeView> = nodeNames.map((name) => node(name, providerIds[name]));
const identities: fc.Arbitrary<IdentityView> = fc
  .record({
    namespace: namespaces,
    name: identityNames,
    resource: fc.constantFrom(...resourceNames),
    spell: spelling,
    kind: fc.constantFrom('managed', 'managed', 'managed', 'principal', 'invalid', 'confined'),
    stated: fc.boolean(),
  })
  .map(({ namespace, name, resource, spell, kind, stated }) => {
    const managed = {
      type: 0,
      resourceID: spell(resourceIdOf(resource)),
      ...(stated && { clientID: spell(clientIdOf(resource)) }),
    };
    const otherSpecs: Readonly<Record<string, object>> = {
      principal: { type: 1 },
      invalid: { type: 0, resourceID: 'x' },
    };
    const metadata =
      kind === 'confined' ? { annotations: { 'aadpodidentity.k8s.io/Behavior': 'namespaced' } } : {};
    return identity({ namespace, name, metadata, spec: { ...(otherSpecs[kind] ?? managed) } });
  });
const bindings: fc.Arbitrary<BindingView> = fc
  .record({
    namespace: namespaces,
    azureIdentity: identityNames,
    selector: labels,
    name: fc.constantFrom('b0', 'b1'),
  })
  .map(binding);
const leftovers: fc.Arbitrary<AssignedView> = fc
  .record({
    podNamespace: namespaces,
    podName: podNames,
    podUid: fc.constantFrom('u1', null),
    node: nodeNames,
    identity: fc.record({ namespace: namespaces, name: identityNames }),
    state: fc.constantFrom('Created', 'Assigned', 'Unassigned', ''),
  })
  .map(assigned);

const keyed = <T extends { namespace: string; name: string }>(list: fc.Arbitrary<T>, maxLength: number) =>
  fc.uniqueArray(list, { selector: ({ namespace, name }) => `${namespace}/${name}`, maxLength });
const unique = <T>(list: fc.Arbitrary<T>, selector: (one: T) => string, maxLength: number) =>
  fc.uniqueArray(list, { selector, maxLength });

const clusters = fc.record({
  pods: keyed(pods, 6),
  nodes: unique(nodes, ({ name }) => name, 5),
  identities: unique(identities, ({ key }) => key, 5),
  bindings: unique(bindings, ({ key }) => key, 5),
});
const carried = fc.uniqueArray(fc.constantFrom(...resourceNames));
const foreigners = fc
  .tuple(...hosts.map((host) => fc.tuple(fc.constant(host.id), carried, fc.boolean())))
  .map(
    (list) =>
      new Map(
        list.map(([host, names, isDead]): [ResourceId, Map<ResourceId, PresentIdentity>] => [
          host,
          new Map(names.map((name, position) => [idOf(name), isDead && position === 0 ? {} : alive(name)])),
        ]),
      ),
  );

const models = fc.record({
  cluster: clusters,
  assigned: keyed(leftovers, 4),
  foreign: foreigners,
  missing: fc.option(fc.constantFrom(...resourceNames)),
});
type Seed = typeof models extends fc.Arbitrary<infer T> ? T : never;

function modelOf({ cluster, assigned: leftover, foreign, missing }: Seed): Model {
  const existing = resourceNames.filter((name) => name !== missing);
  return new Model({
    cluster,
    assigned: leftover,
    foreign,
    existing: new Map(existing.map((name) => [idOf(name), alive(name)])),
    rules: modelRules,
  });
}

/** Runs passes with time between them until nothing is left to do. */
function settle(model: Model, crashes: readonly number[] = []): void {
  for (const crashAfter of crashes) {
    model.pass(crashAfter);
    model.now += 60_000;
  }
  for (let round = 0; round < 6; round += 1) {
    model.pass();
    model.now += 60_000;
  }
  model.pass();
}

function needsOf(snapshot: ClusterSnapshot): { host: ResourceId; id: ResourceId; key: string }[] {
  const { index, records } = knownOf(snapshot, modelRules);
  return snapshot.pods.flatMap((view) => {
    const key = `${view.namespace}/${view.name}`;
    const host = index.nodeHost(view.nodeName).host?.id;
    return decidePod(index, key, records).assignments.flatMap(({ resourceId }) =>
      resourceId !== undefined && host !== undefined ? { host, id: resourceId, key } : [],
    );
  });
}

const crashes = fc.array(fc.nat(12), { maxLength: 4 });

describe('the model world', () => {
  it('comes to rest, whatever it was and wherever passes broke off; then the plan is empty', () => {
    fc.assert(
      fc.property(models, crashes, (seed, points) => {
        const model = modelOf(seed);
        settle(model, points);
        const { hosts: left } = plan(model.snapshot(), modelRules);
        // An identity that Azure does not have is retried from time to time; nothing else may be left.
        const unknown = seed.missing === null ? undefined : idOf(seed.missing);
        for (const one of left.filter((host) => !isIdle({ ...host, read: false }))) {
          expect([...one.attach, ...one.renew].every((id) => id === unknown)).toBe(true);
          expect(one.detach).toEqual([]);
          expect(
            one.steps.every((step) => step.kind === 'confirm' && step.assignment.resourceId === unknown),
          ).toBe(true);
        }
      }),
      { numRuns: 300 },
    );
  });

  it('at rest every live pod has what it needs, and nobody else has an object', () => {
    fc.assert(
      fc.property(models, crashes, (seed, points) => {
        const model = modelOf(seed);
        settle(model, points);
        const snapshot = model.snapshot();
        const unknown = seed.missing === null ? undefined : idOf(seed.missing);
        for (const { host, id } of needsOf(snapshot)) {
          if (id !== unknown) expect(model.arm.get(host)?.get(id)?.principalId).toBeDefined();
        }
        const { index, records } = knownOf(snapshot, modelRules);
        const wanted = snapshot.pods.flatMap(
          (view) => decidePod(index, `${view.namespace}/${view.name}`, records).assignments,
        );
        const names = wanted.map(({ objectNamespace, objectName }) => `${objectNamespace}/${objectName}`);
        expect([...model.store.keys()].sort()).toEqual(names.sort());
        expect(new Set(names).size).toBe(names.length);
        expect(wanted.filter(({ pod: owner }) => owner.serviceAccount === '')).toEqual([]);
        for (const { objectNamespace, objectName, resourceId, pod: owner } of wanted) {
          const object = model.store.get(`${objectNamespace}/${objectName}`);
          expect(object).toMatchObject({
            podNamespace: owner.namespace,
            podName: owner.name,
            nodeName: owner.nodeName,
          });
          if (resourceId === undefined || resourceId !== unknown)
            expect(object?.state).toMatch(/^(Assigned)?$/);
        }
      }),
      { numRuns: 300 },
    );
  });

  it('never detaches what is foreign, immutable or needed, while pods come and go and passes break off', () => {
    const later = fc.array(fc.tuple(clusters, crashes), { minLength: 1, maxLength: 3 });
    fc.assert(
      fc.property(models, later, (seed, changes) => {
        const model = modelOf(seed);
        settle(model);
        for (const [cluster, points] of changes) {
          model.cluster = cluster;
          const needs = needsOf(model.snapshot());
          model.detached.length = 0;
          settle(model, points);
          for (const { host, id } of model.detached) {
            expect(needs).not.toContainEqual(expect.objectContaining({ host, id }));
            expect(id).not.toBe(idOf(immutable));
          }
        }
        for (const [host, entries] of model.foreign) {
          for (const [id, entry] of entries) {
            // A dead entry may have been renewed: it is attached again, and still not MIC's.
            const isLost =
              entry.principalId === undefined && seed.missing !== null && id === idOf(seed.missing);
            if (!isLost) expect(model.arm.get(host)?.has(id)).toBe(true);
            expect(model.ownedOn(host)).not.toContain(id);
          }
        }
      }),
      { numRuns: 200 },
    );
  });

  it('without pods gives back what MIC attached, and nothing of it is left', () => {
    fc.assert(
      fc.property(models, crashes, (seed, points) => {
        const model = modelOf(seed);
        settle(model, points);
        model.cluster = { ...model.cluster, pods: [] };
        settle(model);
        expect(model.store.size).toBe(0);
        for (const host of hosts) {
          const kept = [...(model.arm.get(host.id)?.keys() ?? [])].filter((id) => id !== idOf(immutable));
          const before = [...(model.foreign.get(host.id)?.keys() ?? [])];
          expect(kept.filter((id) => !before.includes(id))).toEqual([]);
        }
      }),
      { numRuns: 200 },
    );
  });

  it('at rest costs nothing: no PATCH, no write', () => {
    fc.assert(
      fc.property(models, (seed) => {
        const model = modelOf({ ...seed, missing: null });
        settle(model);
        const [{ patches, writes }] = [model];
        settle(model);
        expect([model.patches, model.writes]).toEqual([patches, writes]);
      }),
      { numRuns: 100 },
    );
  });
});

const shuffled = (one: ClusterSnapshot) =>
  fc.record({
    pods: fc.shuffledSubarray([...one.pods], { minLength: one.pods.length }),
    nodes: fc.shuffledSubarray([...one.nodes], { minLength: one.nodes.length }),
    identities: fc.shuffledSubarray([...one.identities], { minLength: one.identities.length }),
    bindings: fc.shuffledSubarray([...one.bindings], { minLength: one.bindings.length }),
    assigned: fc.shuffledSubarray([...one.assigned], { minLength: one.assigned.length }),
  });

const knownFacts = fc
  .tuple(...hosts.map(() => fc.tuple(carried, carried)))
  .map((list) =>
    factsMap(
      ...hosts.map((host, position) => facts(host, list[position]![0], { oursNames: list[position]![1] })),
    ),
  );
const snapshots: fc.Arbitrary<ClusterSnapshot> = fc
  .record({ cluster: clusters, leftover: keyed(leftovers, 4), known: knownFacts })
  .map(({ cluster, leftover, known }) => ({ ...cluster, assigned: leftover, facts: known, now }));

describe('the plan', () => {
  it('is the same whatever the order of what is known', () => {
    fc.assert(
      fc.property(
        snapshots.chain((one) => fc.tuple(fc.constant(one), shuffled(one))),
        ([one, other]) => {
          expect(plan({ ...one, ...other }, modelRules)).toEqual(plan(one, modelRules));
        },
      ),
    );
  });

  it('is the same without pods that have no ServiceAccount, as those that kubelets create', () => {
    // The place of a record that goes depends on the pod that it names.
    const outline = (one: ClusterSnapshot) => {
      const { hosts: planned } = plan(one, modelRules);
      const steps = planned.flatMap((host) => host.steps);
      return {
        hosts: planned.map(({ host, attach, renew, detach, needed }) => [
          host?.id,
          attach,
          renew,
          detach,
          needed,
        ]),
        written: steps.filter(({ kind }) => kind !== 'delete').map((step) => [step.kind, podKeyOf(step)]),
        deleted: steps.flatMap((step) => (step.kind === 'delete' ? step.current.name : [])).sort(),
      };
    };
    fc.assert(
      fc.property(snapshots, (one) => {
        const others = one.pods.filter(({ serviceAccount }) => serviceAccount !== '');
        const [all, fewer] = [outline(one), outline({ ...one, pods: others })];
        const isBusy = (host: (typeof all.hosts)[number]) =>
          [1, 2, 3].some((list) => (host[list] as readonly string[]).length > 0);
        expect({ ...all, hosts: all.hosts.filter(isBusy) }).toEqual({
          ...fewer,
          hosts: fewer.hosts.filter(isBusy),
        });
      }),
    );
  });

  it('is the same however ids are spelled', () => {
    const upper = (view: IdentityView) =>
      view.kind === 'valid' && view.resourceId
        ? identity({
            namespace: view.identity.metadata.namespace ?? '',
            name: view.identity.metadata.name,
            metadata: { ...view.identity.metadata },
            spec: { ...view.identity.spec, resourceID: view.resourceId.toUpperCase() },
          })
        : view;
    const outline = (one: ClusterSnapshot) =>
      plan(one, modelRules).hosts.map(({ steps, ...host }) => ({
        ...host,
        steps: steps.map((step) => [step.kind, podKeyOf(step)]),
      }));
    fc.assert(
      fc.property(snapshots, (one) => {
        const loud = {
          ...one,
          identities: one.identities.map(upper),
          nodes: one.nodes.map(({ name, providerId }) => ({ name, providerId: providerId.toUpperCase() })),
        };
        expect(outline(loud)).toEqual(outline(one));
      }),
    );
  });
});

type Key = string;
const changesTo: fc.Arbitrary<Change> = fc.oneof(
  pods.map((view): Change => ({ kind: 'pod', key: `${view.namespace}/${view.name}`, view })),
  fc
    .tuple(namespaces, podNames)
    .map(([ns, name]): Change => ({ kind: 'pod', key: `${ns}/${name}`, view: undefined })),
  nodes.map((view): Change => ({ kind: 'node', key: view.name, view })),
  nodeNames.map((key): Change => ({ kind: 'node', key, view: undefined })),
  identities.map((view): Change => ({ kind: 'identity', key: view.key, view })),
  identities.map(({ key }): Change => ({ kind: 'identity', key, view: undefined })),
  bindings.map((view): Change => ({ kind: 'binding', key: view.key, view })),
  bindings.map(({ key }): Change => ({ kind: 'binding', key, view: undefined })),
  leftovers.map((view): Change => ({ kind: 'assigned', key: `${view.namespace}/${view.name}`, view })),
  leftovers.map(({ namespace, name }): Change => ({
    kind: 'assigned',
    key: `${namespace}/${name}`,
    view: undefined,
  })),
);

/** The final objects after all changes, computed without an index. */
function endOf(changes: readonly Change[], known: ClusterSnapshot['facts']): ClusterSnapshot {
  const maps = {
    pod: new Map<Key, unknown>(),
    node: new Map<Key, unknown>(),
    identity: new Map<Key, unknown>(),
    binding: new Map<Key, unknown>(),
    assigned: new Map<Key, unknown>(),
    namespace: new Map<Key, unknown>(),
  };
  for (const { kind, key, view } of changes) {
    if (view === undefined) maps[kind].delete(key);
    else maps[kind].set(key, view);
  }
  return {
    pods: [...maps.pod.values()] as PodView[],
    nodes: [...maps.node.values()] as NodeView[],
    identities: [...maps.identity.values()] as IdentityView[],
    bindings: [...maps.binding.values()] as BindingView[],
    assigned: [...maps.assigned.values()] as AssignedView[],
    facts: known,
    now,
  };
}

function planAll(
  { index, records }: ReturnType<typeof knownOf>,
  known: ClusterSnapshot['facts'],
  dirty?: ReadonlyMap<HostKey, ReadonlySet<string>>,
) {
  const ids = new Set([...Array.from(index.hosts(), ({ id }) => id), ...known.keys()]);
  const dirtyHosts = [...(dirty?.keys() ?? [])].filter((key) => key !== undefined && !ids.has(key));
  const keys: HostKey[] = [undefined, ...[...ids].sort(), ...dirtyHosts];
  return keys.map((key) => {
    const moment = { facts: key && known.get(key), now, rules: modelRules, records };
    const dirtyPods = dirty ? (dirty.get(key) ?? []) : podsWith({ index, records }, key);
    return planHost(index, key, { ...moment, dirtyPods });
  });
}

/** The records of a pod that is gone are removed on any host. */
function withRemovals(plans: readonly HostPlan[]) {
  const steps = plans.flatMap((one) => one.steps);
  const [removals, others] = [true, false].map(
    (isRemoval) => (step: AssignmentStep) => (step.kind === 'delete') === isRemoval,
  );
  const removed = new Map(steps.filter(removals!).map((step) => [objectKey(step), step]));
  // A host that is gone has nothing else to plan.
  const rest = plans
    .map((one) => ({ ...one, steps: one.steps.filter(others!) }))
    .filter((one, position) => position === 0 || one.host !== undefined);
  return [rest, [...removed].sort(([a], [b]) => (a < b ? -1 : 1))];
}

describe('an index that has seen many changes', () => {
  it('plans as one that was filled with the outcome', () => {
    fc.assert(
      fc.property(fc.array(changesTo, { maxLength: 40 }), knownFacts, (changes, known) => {
        const world = { index: new ClusterIndex(modelRules), records: new Records() };
        for (const change of changes) applyTo(world, change);
        world.index.settle();
        const fresh = plan(endOf(changes, known), modelRules);
        expect(planAll(world, known).filter((host) => !isIdle(host))).toEqual(fresh.hosts);
      }),
      { numRuns: 400 },
    );
  });

  it('knows every pod that needs a step, when the world was at rest before', () => {
    fc.assert(
      fc.property(models, fc.array(changesTo, { minLength: 1, maxLength: 6 }), (seed, changes) => {
        const model = modelOf(seed);
        settle(model);
        const snapshot = model.snapshot();
        const world = knownOf(snapshot, modelRules);
        const { index } = world;
        for (const host of [...index.dirtyHosts()]) index.takeDirty(host);
        for (const change of changes) applyTo(world, change);
        const dirty = new Map([...index.settle().dirtyHosts()].map((host) => [host, index.takeDirty(host)]));
        const [found, all] = [planAll(world, snapshot.facts, dirty), planAll(world, snapshot.facts)];
        expect(withRemovals(found)).toEqual(withRemovals(all));
      }),
      { numRuns: 200 },
    );
  });
});
