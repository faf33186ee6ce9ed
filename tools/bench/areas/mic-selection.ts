// What a changed pod costs in a namespace whose bindings select by labels and ServiceAccount, beside the same in one whose binding
// goes by the binding label. Rounds of all take turns in one process, so that a busy machine slows down all of them.
import { planHost } from '../../../packages/mic/src/plan/plan.ts';
import { Records } from '../../../packages/mic/src/plan/records.ts';
import { ClusterIndex } from '../../../packages/mic/src/snapshot/index/cluster-index.ts';
import { createTrims } from '../../../packages/mic/src/snapshot/trims.ts';
import { median, rounded, type Figures } from '../report.ts';

export interface SelectionSizes {
  readonly pods: number;
  readonly bindings: number;
  readonly rounds: number;
}

const rules = {
  forceNamespaced: true,
  immutableClientIds: new Set<string>(),
  detachGraceMs: 300_000,
  driftPeriodMs: 180_000,
};
const few = 10;
const apiVersion = 'aadpodidentity.k8s.io/v1';
const group = '/subscriptions/00000000-0000-0000-0000-00000000000a/resourceGroups/nodes/providers';
const nodes = 20;
const changesInRound = 200;

/** Forms of a binding that selects pods of one application. */
const forms: readonly ((app: string) => object)[] = [
  (app) => ({ podSelector: { matchLabels: { app } } }),
  (app) => ({ podSelector: { matchLabels: { product: 'shop', app } }, serviceAccountName: 'front' }),
  (app) => ({
    podSelector: {
      matchLabels: { product: 'shop' },
      matchExpressions: [
        { key: 'app', operator: 'In', values: [app, `${app}-canary`] },
        { key: 'debug', operator: 'DoesNotExist' },
      ],
    },
  }),
  (app) => ({ selector: 'demo', podSelector: { matchLabels: { app } } }),
];

export function selectionFigures(say: (text: string) => void, sizes: SelectionSizes): Figures {
  const byLabel = createWorld(sizes.pods, 0);
  const some = createWorld(sizes.pods, few);
  const many = createWorld(sizes.pods, sizes.bindings);
  const worlds = [byLabel, some, many];
  for (const world of worlds) world();
  const rounds = Array.from({ length: sizes.rounds }, () => worlds.map((world) => timed(world)));
  const ratio = (of: number, to: number) =>
    median(rounds.map((round) => (round[of] ?? 0) / (round[to] ?? 1)));
  const microseconds = median(rounds.map((round) => ((round[2] ?? 0) / changesInRound) * 1_000));
  const bindings = sizes.bindings.toLocaleString('en');
  const figures = [
    {
      name: 'selectorPodRatio',
      value: rounded(ratio(2, 0)),
      what: `one changed pod with ${bindings} bindings that use selectors in its namespace, over one with a binding by label`,
    },
    {
      name: 'selectorGrowth',
      value: rounded(ratio(2, 1)),
      what: `the same, over one with ${few} such bindings`,
    },
    { name: 'selectorPodUs', value: rounded(microseconds), what: 'the same, to its plan (µs)' },
  ];
  say(figures.map(({ name, value }) => `${name} ${value}`).join(', '));
  return figures;
}

function timed(run: () => void): number {
  const begun = performance.now();
  run();
  return performance.now() - begun;
}

/** Returns a round of changes: pods get the labels of another application. */
function createWorld(pods: number, selectors: number): () => void {
  const trims = createTrims();
  const index = new ClusterIndex({ forceNamespaced: true });
  const key = (name: string) => `shop/${name}`;
  for (let node = 0; node < nodes; node += 1) {
    const name = `node-${node}`;
    const providerID = `azure://${group}/Microsoft.Compute/virtualMachineScaleSets/set/virtualMachines/${node}`;
    index.apply({ kind: 'node', key: name, view: trims.node({ metadata: { name }, spec: { providerID } }) });
  }
  const identity = (name: string) => {
    const resourceID = `${group}/Microsoft.ManagedIdentity/userAssignedIdentities/${name}`;
    const object = { apiVersion, kind: 'AzureIdentity', metadata: { name, namespace: 'shop' } };
    const view = trims.identity({ ...object, spec: { type: 0, resourceID } });
    index.apply({ kind: 'identity', key: key(name), view });
  };
  const bind = (name: string, spec: object) => {
    const object = { apiVersion, kind: 'AzureIdentityBinding', metadata: { name, namespace: 'shop' } };
    const view = trims.binding({ ...object, spec });
    index.apply({ kind: 'binding', key: key(name), view });
  };
  identity('all');
  if (selectors === 0) bind('all', { azureIdentity: 'all', selector: 'demo' });
  for (let number = 0; number < selectors; number += 1) {
    const form = forms[number % forms.length];
    bind(`by-${number}`, { azureIdentity: 'all', ...form?.(`app-${number}`) });
  }
  const put = (pod: number, app: number) => {
    const view = selectors === 0 ? trims.pod(podObject(pod, app)) : trims.wholePod(podObject(pod, app));
    index.apply({ kind: 'pod', key: key(`pod-${pod}`), view });
  };
  const apps = Math.max(selectors, few);
  for (let pod = 0; pod < pods; pod += 1) put(pod, pod % apps);
  let turn = 0;
  return () => {
    for (let change = 0; change < changesInRound; change += 1) {
      turn += 1;
      const pod = (turn * 7) % pods;
      put(pod, (pod + turn) % apps);
      const podKey = key(`pod-${pod}`);
      const host = index.homeOf(podKey);
      planHost(index, host, { facts: undefined, now: 1, rules, records: new Records(), dirtyPods: [podKey] });
    }
  };
}

function podObject(pod: number, app: number): object {
  return {
    metadata: {
      name: `pod-${pod}`,
      namespace: 'shop',
      uid: `uid-${pod}`,
      labels: {
        aadpodidbinding: 'demo',
        app: `app-${app}`,
        product: 'shop',
        'pod-template-hash': '5d4f8c7b9',
        'app.kubernetes.io/managed-by': 'Helm',
      },
    },
    spec: { nodeName: `node-${pod % nodes}`, serviceAccountName: 'front' },
    status: { phase: 'Running' },
  };
}
