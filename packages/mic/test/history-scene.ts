// All rooms of MIC that decide and write, over a cluster and an Azure in memory, on a fake clock. Nothing settles pods but the test, so
// that passes run while pods are stale.
import {
  apiVersion,
  nodeLabel,
  type AzureAssignedIdentity,
  type MatchingRules,
  type ResourceId,
} from '@pod-identity/crd-types';
import type { LeaderTerm } from '@pod-identity/kit/kube';
import { createFakeClock } from '@pod-identity/kit/testing';
import { reviewPairs } from '../src/access/pair-reviewer.ts';
import { PairRegistry } from '../src/access/pair-registry.ts';
import { createAssignmentsApplier } from '../src/apply/apply-assignments.ts';
import { HostChanger } from '../src/apply/apply-host.ts';
import { AssignedIdentityWriter } from '../src/apply/assigned-identity-writer.ts';
import type { HostIdentities } from '../src/apply/host-identities.ts';
import { Ledger, type ConfigMap } from '../src/apply/ledger.ts';
import { createHostMemory } from '../src/apply/memory.ts';
import { Mirror } from '../src/apply/mirror.ts';
import { createFakeResource, readerOf, type Gate } from '../src/apply/test/fake-kube.ts';
import { createFakeLog } from '../src/apply/test/fake-log.ts';
import { podsMisled } from '../src/plan/affected.ts';
import { skipsOf } from '../src/plan/desired.ts';
import {
  alive,
  now as startedAt,
  rawBinding,
  rawIdentity,
  rules as planRules,
} from '../src/plan/test/builders.ts';
import type { Skip } from '../src/plan/types.ts';
import { createReconciler } from '../src/reconcile.ts';
import type { PresentIdentity } from '../src/snapshot/facts/facts.ts';
import { ClusterIndex, type ClusterChange } from '../src/snapshot/index/cluster-index.ts';
import type { AccessGroup, AccessRules } from '../src/snapshot/index/rights.ts';
import { conditionsOf, type ConditionedKind } from '../src/tell/conditions-writer.ts';
import { createHostQueues } from '../src/term/host-queues.ts';
import { queueNameOf } from '../src/term/loop.ts';
import { keepMirror } from '../src/term/mirror-loop.ts';

export interface SceneRules {
  readonly matching: MatchingRules;
  readonly access: AccessRules['mode'];
  /** Verdicts of the API server: the allowed pairs of user and name, which change during a run. */
  readonly mayUse: (user: string, name: string) => boolean;
}

export interface ForgedRecord {
  readonly namespace: string;
  readonly pod: string;
  readonly identity: string;
  readonly state: 'Created' | 'Assigned';
}

export type Scene = ReturnType<typeof createScene>;

const azureMs = 2_000;
const reviewMs = 20;
/** Many more than the longest history needs. */
const mostWrites = 2_000;

export function createScene({ matching, access, mayUse }: SceneRules) {
  const clock = createFakeClock(startedAt);
  const now = () => clock.now();
  const log = createFakeLog();
  const ending = new AbortController();
  const term: LeaderTerm = { signal: ending.signal, holds: () => !ending.signal.aborted };
  const registry = new PairRegistry<AccessGroup>({ pairsPerNamespace: 1_000, recheckMs: 300_000 });
  const index = new ClusterIndex(matching, { mode: access, registry });
  const attached = new Map<ResourceId, Map<ResourceId, PresentIdentity>>();
  const told = new Map<string, string>();
  const conditions = new Map<string, string | undefined>();
  const faults = {
    /** Called before each write; may throw. */
    beforeWrite: (() => undefined) as () => void,
  };

  let writes = 0;
  const gate: Gate = async (_name, apply) => {
    await Promise.resolve();
    writes += 1;
    if (writes > mostWrites) ending.abort(new Error('the writes do not end'));
    faults.beforeWrite();
    return apply();
  };
  const assigned = createFakeResource<AzureAssignedIdentity>('assigned', gate);
  const configMaps = createFakeResource<ConfigMap>('record', (_name, apply) => Promise.resolve().then(apply));
  const memory = createHostMemory();
  const ledger = new Ledger({ configMaps, namespace: 'mic', term, log });
  const mirror = new Mirror(index, readerOf(assigned));

  const carriedBy = (host: ResourceId) => attached.get(host) ?? new Map<ResourceId, PresentIdentity>();
  const identities: HostIdentities = {
    read: async ({ id }) => {
      await clock.sleep(azureMs);
      return { kind: 'read', present: new Map(carriedBy(id)) };
    },
    async update({ id }, { attach, renew, detach }, context) {
      await clock.sleep(azureMs);
      try {
        await context.beforePatch(attach, now() + 1_000);
      } catch {
        return { present: new Map(carriedBy(id)), rejected: [], refusal: { kind: 'aborted' }, patches: 0 };
      }
      await clock.sleep(azureMs);
      const carried = carriedBy(id);
      for (const one of [...attach, ...renew]) carried.set(one, alive(one.slice(one.lastIndexOf('/') + 1)));
      for (const one of detach) carried.delete(one);
      attached.set(id, carried);
      return { present: new Map(carried), rejected: [], applied: attach, patches: 1 };
    },
  };

  const concern = (kind: ConditionedKind, keys: Iterable<string>) => {
    const list = [...keys];
    if (list.length > 0)
      clock.after(1_000, () => {
        for (const key of list) conditions.set(`${kind} ${key}`, conditionOf(kind, key));
      });
  };
  const conditionOf = (kind: ConditionedKind, key: string) => {
    const made = conditionsOf({ kind, key }, { index, facts: memory.all }, '');
    return JSON.stringify(made);
  };

  const assignments = createAssignmentsApplier({
    writer: new AssignedIdentityWriter(assigned, term),
    mirror,
    writesAtOnce: 2,
    memory,
    signal: term.signal,
    now,
    recordAfterMs: 2_000,
    report: () => undefined,
  });
  const lanes = createHostQueues({
    clock,
    signal: term.signal,
    log,
    debounceMs: 500,
    debounceMaxMs: 5_000,
    turnsWith: (azure) =>
      createReconciler({
        index,
        records: mirror,
        memory,
        now,
        rules: () => ({ ...planRules, forceNamespaced: matching.forceNamespaced }),
        slices: { run: (work) => Promise.resolve().then(work) },
        azure,
        onPass: () => undefined,
        onPlanned: (pods) => pods.forEach((pod) => told.set(pod, textOf(skipsOf(index, pod)))),
        assignments,
        hosts: new HostChanger({
          identities,
          ledger,
          memory,
          term,
          now,
          random: () => 0.5,
          isNeeded: (host, id) => index.need(host).has(id),
          granted: (host) => index.granted(host).keys(),
          claimants: (id) => index.objects.claimants(id),
          onRecordNotSaved: () => undefined,
          report({ host: { id }, after }) {
            concern('AzureIdentity', index.concernedBy(id));
            index.markDirty(podsMisled({ index, records: mirror }, id, after));
          },
        }),
      }),
  });

  /** As after a slice of the sweeper, however many pods are stale. */
  const slice = () => {
    for (const host of index.dirtyHosts()) lanes.objects.poke(queueNameOf(host));
    const concerned = index.takeConcerned();
    concern('AzureIdentity', concerned.identities);
    concern('AzureIdentityBinding', concerned.bindings);
  };

  mirror.onChange(slice);

  return {
    clock,
    index,
    assigned,
    faults,
    log,
    attached,
    slice,
    apply(change: ClusterChange) {
      index.apply(change);
      slice();
    },
    /** As an editor of the namespace. */
    putRecord({ namespace, pod, identity: name, state }: ForgedRecord) {
      const record = {
        apiVersion,
        kind: 'AzureAssignedIdentity',
        metadata: { namespace, name: `${pod}-${namespace}-${name}`, labels: { [nodeLabel]: 'node-0' } },
        spec: {
          azureIdentityRef: rawIdentity({ namespace, name }),
          azureBindingRef: rawBinding({ namespace, azureIdentity: name }),
          pod,
          podNamespace: namespace,
          nodename: 'node-0',
        },
        status: { status: state },
      };
      assigned.put(record as unknown as AzureAssignedIdentity);
    },
    dropRecord: ({ namespace, pod, identity }: ForgedRecord) =>
      assigned.drop(`${namespace}/${pod}-${namespace}-${identity}`),
    start() {
      index.settle().markAllDirty();
      slice();
      void keepMirror({ mirror, assignments, index, term, clock, random: () => 0.5, log });
      void reviewPairs<AccessGroup>({
        registry,
        term,
        clock,
        random: () => 0.5,
        log,
        proven: () => Promise.resolve(),
        reviewer: {
          async review({ subject, name }) {
            await clock.sleep(reviewMs);
            return mayUse(subject.user, name);
          },
        },
        onReview: () => undefined,
        onChanged(groups) {
          index.rightsChanged(groups);
          slice();
        },
      });
    },
    /** As the sweeper, for so long that every timer of MIC has been used. */
    async quiet() {
      for (let minute = 0; minute < 30; minute += 1) {
        index.settle();
        slice();
        await clock.advance(60_000);
      }
      ending.abort(new Error('the run is over'));
    },
    /** What people and pods see. */
    seen() {
      const pods = [...told.keys()].filter((key) => index.pod(key)).sort();
      return {
        records: [...assigned.objects.values()].map(recordText).sort(),
        carried: [...attached].flatMap(([host, ids]) => [...ids.keys()].map((id) => `${host} ${id}`)).sort(),
        told: pods.map((key) => `${key}: ${told.get(key)}`),
        conditions: [...conditions].filter(([, text]) => text !== undefined).sort(),
        rights: registry.census(),
        isAtRest: writes <= mostWrites,
      };
    },
  };
}

/** Without the name, which an earlier object of the pod can have. */
function recordText({ spec, status }: AzureAssignedIdentity): string {
  const { azureIdentityRef: identity, azureBindingRef: binding } = spec;
  const pod = `${spec.podNamespace}/${spec.pod} on ${spec.nodename}`;
  const given = `${identity.metadata.namespace}/${identity.metadata.name} (${identity.spec.resourceID})`;
  return `${pod}: ${given} by ${binding.metadata.namespace}/${binding.metadata.name}, ${status.status}`;
}

function textOf(skips: readonly Skip[]): string {
  const texts = skips.map(({ reason, binding, identity, detail, leftOut, access }) =>
    JSON.stringify({ reason, binding, identity, detail, leftOut, subject: access?.subject }),
  );
  return texts.sort().join(' ');
}
