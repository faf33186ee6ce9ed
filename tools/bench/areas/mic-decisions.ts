// Only the decisions, in this process: a whole plan, and one changed pod in clusters of three sizes.
import { planHost } from '../../../packages/mic/src/plan/plan.ts';
import { knownOf, plan } from '../../../packages/mic/src/plan/test/cluster-plan.ts';
import type { ClusterSnapshot } from '../../../packages/mic/src/snapshot/test/cluster-snapshot.ts';
import { createTrims } from '../../../packages/mic/src/snapshot/trims.ts';
import { median, rounded, type Figure, type Figures } from '../report.ts';

const rules = {
  forceNamespaced: false,
  immutableClientIds: new Set<string>(),
  detachGraceMs: 300_000,
  driftPeriodMs: 180_000,
};
const subscription = '/subscriptions/00000000-0000-0000-0000-00000000000a';
const apiVersion = 'aadpodidentity.k8s.io/v1';
const scaleSets = 20;
const identities = 200;

const present = <T>(views: readonly (T | undefined)[]): T[] => views.filter((view) => view !== undefined);
const range = <T>(length: number, make: (index: number) => T): T[] =>
  Array.from({ length }, (_, index) => make(index));

function podObject(index: number, label: number): object {
  return {
    metadata: {
      name: `pod-${index}`,
      namespace: 'default',
      uid: `uid-${index}`,
      labels: { aadpodidbinding: `id-${label}` },
    },
    spec: { nodeName: `node-${index % (scaleSets * 10)}`, serviceAccountName: 'default' },
    status: { phase: 'Running' },
  };
}

/** Pods without assignments: the plan has a step for each. */
function snapshotOf(pods: number): ClusterSnapshot {
  const trims = createTrims();
  const resourceID = (name: string) =>
    `${subscription}/resourceGroups/ids/providers/Microsoft.ManagedIdentity/userAssignedIdentities/${name}`;
  return {
    pods: present(range(pods, (index) => trims.pod(podObject(index, index % identities)))),
    nodes: present(
      range(scaleSets * 10, (index) =>
        trims.node({
          metadata: { name: `node-${index}` },
          spec: {
            providerID: `azure://${subscription}/resourceGroups/nodes/providers/Microsoft.Compute/virtualMachineScaleSets/set-${index % scaleSets}/virtualMachines/${index}`,
          },
        }),
      ),
    ),
    identities: present(
      range(identities, (index) =>
        trims.identity({
          apiVersion,
          kind: 'AzureIdentity',
          metadata: { name: `id-${index}`, namespace: 'default' },
          spec: { type: 0, resourceID: resourceID(`id-${index}`), clientID: `c-${index}` },
        }),
      ),
    ),
    bindings: present(
      range(identities, (index) =>
        trims.binding({
          apiVersion,
          kind: 'AzureIdentityBinding',
          metadata: { name: `id-${index}`, namespace: 'default' },
          spec: { azureIdentity: `id-${index}`, selector: `id-${index}` },
        }),
      ),
    ),
    assigned: [],
    facts: new Map(),
    now: 1_700_000_000_000,
  };
}

function timed(times: number, run: () => void): number {
  run();
  return median(
    range(times, () => {
      const begun = performance.now();
      run();
      return performance.now() - begun;
    }),
  );
}

/** Microseconds from a pod's change to the plan for it. */
function changedPodUs(pods: number, times: number): number {
  const snapshot = snapshotOf(pods);
  const { index, records } = knownOf(snapshot, { forceNamespaced: false });
  const trims = createTrims();
  let turn = 0;
  const change = () => {
    turn += 1;
    const view = trims.pod(podObject(turn % pods, (turn * 7) % identities));
    const key = `default/pod-${turn % pods}`;
    index.apply({ kind: 'pod', key, view });
    const host = index.homeOf(key);
    planHost(index, host, { facts: undefined, now: snapshot.now, rules, records, dirtyPods: [key] });
  };
  return (timed(5, () => range(times, change)) / times) * 1_000;
}

export interface DecisionSizes {
  /** Pods: of two whole plans, and of three clusters in which one pod changes. */
  readonly plans: readonly [number, number];
  readonly changes: readonly [number, number, number];
  readonly changesTimed: number;
}

/** The figures keep the names of the full size. */
const planNames = ['plan1000Ms', 'plan10000Ms'] as const;
const changeNames = ['changedPod1000Us', 'changedPod10000Us', 'changedPod100000Us'] as const;

export function decisionFigures(say: (text: string) => void, sizes: DecisionSizes): Figures {
  const whole = (name: string, pods: number): Figure => {
    const snapshot = snapshotOf(pods);
    return {
      name,
      value: rounded(timed(5, () => plan(snapshot, rules))),
      what: `a plan of everything for ${pods.toLocaleString('en')} pods (ms)`,
    };
  };
  const figures = sizes.plans.map((pods, index) => whole(planNames[index] ?? '', pods));
  const curve = sizes.changes.map((pods, index) => ({
    name: changeNames[index] ?? '',
    value: rounded(changedPodUs(pods, sizes.changesTimed)),
    what: `one changed pod in a cluster of ${pods.toLocaleString('en')}, to its plan (µs)`,
  }));
  say(
    `a changed pod among ${sizes.changes.join(', ')}: ${curve.map(({ value }) => `${value} µs`).join(', ')}`,
  );
  return [...figures, ...curve];
}
