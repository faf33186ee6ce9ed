// What users and kubelets do during a run, chosen at random from what is possible at that time.
import type { AccessMode } from './faults.ts';
import type { ClientKind, Named, Operation, Step } from './operation.ts';
import type { Random } from './random.ts';
import {
  foreignIdentities,
  labels,
  mainHosts,
  nodes,
  sharedIdentities,
  spareNode,
  teams,
  type Team,
} from './scene.ts';

interface PlannedPod extends Named {
  readonly node: string;
}

/** What exists at that time, by the plan. */
interface Planned {
  readonly random: Random;
  pods: PlannedPod[];
  identities: Named[];
  bindings: Named[];
  exceptions: Named[];
  foreign: { readonly host: string; readonly azure: string }[];
  instances: 2 | 3;
  count: number;
  readonly mode: AccessMode;
  /** `team azure`. */
  withdrawn: string[];
}

const mostPods = 14;
const mostOfAKind = 8;
const perMinute = 100;

/** Operations for so many milliseconds; those at 0 set up the run. */
export function planOperations(random: Random, durationMs: number, mode: AccessMode): Step[] {
  const nothing = { pods: [], identities: [], bindings: [], exceptions: [], foreign: [], withdrawn: [] };
  const planned: Planned = { random, ...nothing, instances: 2, count: 0, mode };
  const steps: Step[] = beginning(planned).map((operation) => ({ at: 0, operation }));
  const meanMs = 60_000 / perMinute;
  for (let at = meanMs; at < durationMs; at += random.between(meanMs * 0.4, meanMs * 1.6)) {
    steps.push({ at: Math.round(at), operation: choose(planned) });
  }
  return steps;
}

function beginning(planned: Planned): Operation[] {
  const forTeam = (namespace: Team) => [
    ...[putIdentity(planned, namespace), putIdentity(planned, namespace)],
    ...[putBinding(planned, namespace), putBinding(planned, namespace)],
    ...[createPod(planned, namespace), createPod(planned, namespace), createPod(planned, namespace)],
  ];
  return [...teams.flatMap(forTeam), attachForeign(planned), attachForeign(planned)].filter(
    (operation) => operation !== undefined,
  );
}

type Maker = (planned: Planned, namespace: Team) => Operation | undefined;

/** The weight of each operation. */
const weights: readonly (readonly [number, Maker])[] = [
  [20, createPod],
  [14, deletePod],
  [10, relabelPod],
  [10, reuseAddress],
  [5, movePod],
  [5, changeRight],
  [7, putIdentity],
  [7, changeIdentity],
  [4, deleteIdentity],
  [8, putBinding],
  [5, changeBinding],
  [5, deleteBinding],
  [2, putException],
  [2, deleteException],
  [2, recreateInAzure],
  [4, attachForeign],
  [3, detachForeign],
  [3, drift],
  [1, replaceHost],
  [2, scale],
];
const allMakers = weights.flatMap(([weight, maker]) => Array.from({ length: weight }, () => maker));

function choose(planned: Planned): Operation {
  for (;;) {
    const operation = planned.random.pick(allMakers)(planned, planned.random.pick(teams));
    if (operation) return operation;
  }
}

/** A unique name that contains its namespace. */
function named(planned: Planned, namespace: Team, what: string): Named {
  planned.count += 1;
  return { namespace, name: `${namespace}-${what}-${planned.count}` };
}

const of = <T extends Named>(list: readonly T[], namespace: Team): T[] =>
  list.filter((one) => one.namespace === namespace);

const without = <T>(list: readonly T[], gone: T): T[] => list.filter((one) => one !== gone);

const isFree = ({ instances }: Planned, node: string): boolean => node !== spareNode || instances === 3;

const placesOf = (planned: Planned) =>
  nodes.filter(({ name, host }) => !host.startsWith('probe') && isFree(planned, name));

function createPod(planned: Planned, namespace: Team): Operation | undefined {
  if (planned.pods.length >= mostPods) return undefined;
  const { random } = planned;
  const pod = { ...named(planned, namespace, 'pod'), node: random.pick(placesOf(planned)).name };
  planned.pods.push(pod);
  return { kind: 'create-pod', ...pod, label: random.pick(labels), exempt: random.below(10) === 0 };
}

function deletePod(planned: Planned, namespace: Team): Operation | undefined {
  const pods = of(planned.pods, namespace);
  if (pods.length < 2) return undefined;
  const pod = planned.random.pick(pods);
  planned.pods = without(planned.pods, pod);
  return { kind: 'delete-pod', namespace, name: pod.name };
}

function relabelPod({ random, pods }: Planned, namespace: Team): Operation | undefined {
  const candidates = of(pods, namespace);
  if (candidates.length === 0) return undefined;
  return {
    kind: 'relabel-pod',
    namespace,
    name: random.pick(candidates).name,
    label: random.pick([...labels, '']),
  };
}

/** The next pod of the address can be of either team: a mistake there is the most harmful. */
function reuseAddress(planned: Planned, namespace: Team): Operation | undefined {
  const { random } = planned;
  const pods = of(planned.pods, namespace);
  if (pods.length === 0) return undefined;
  const pod = random.pick(pods);
  const next = named(planned, random.pick(teams), 'pod');
  planned.pods = [...without(planned.pods, pod), { ...next, node: pod.node }];
  const label = random.pick(labels);
  const finishes = random.below(3) === 0;
  const lagMs = random.between(0, 2_000);
  return { kind: 'reuse-address', namespace, name: pod.name, next, label, lagMs, finishes };
}

function movePod(planned: Planned, namespace: Team): Operation | undefined {
  const { random } = planned;
  const pods = of(planned.pods, namespace);
  if (pods.length === 0) return undefined;
  const pod = random.pick(pods);
  const { name: node } = random.pick(placesOf(planned).filter(({ name }) => name !== pod.node));
  planned.pods = [...without(planned.pods, pod), { ...pod, node }];
  return { kind: 'move-pod', namespace, name: pod.name, node, label: random.pick(labels) };
}

function changeRight(planned: Planned, namespace: Team): Operation | undefined {
  if (planned.mode !== 'rbac') return undefined;
  const azure = planned.random.pick(sharedIdentities);
  const key = `${namespace} ${azure}`;
  const isWithdrawn = planned.withdrawn.includes(key);
  planned.withdrawn = isWithdrawn ? without(planned.withdrawn, key) : [...planned.withdrawn, key];
  return { kind: isWithdrawn ? 'grant-right' : 'withdraw-right', namespace, azure };
}

function clientOf({ random }: Planned): ClientKind {
  const one = random.below(10);
  if (one === 0) return 'wrong';
  return one < 3 ? 'none' : 'right';
}

function putIdentity(planned: Planned, namespace: Team): Operation | undefined {
  if (of(planned.identities, namespace).length >= mostOfAKind) return undefined;
  const identity = named(planned, namespace, 'identity');
  planned.identities.push(identity);
  const azure = planned.random.pick(sharedIdentities);
  return { kind: 'put-identity', ...identity, azure, client: clientOf(planned) };
}

function changeIdentity(planned: Planned, namespace: Team): Operation | undefined {
  const { random, identities } = planned;
  const candidates = of(identities, namespace);
  if (candidates.length === 0) return undefined;
  const azure = random.pick(sharedIdentities);
  return { kind: 'put-identity', ...random.pick(candidates), azure, client: clientOf(planned) };
}

function deleteIdentity(planned: Planned, namespace: Team): Operation | undefined {
  const candidates = of(planned.identities, namespace);
  if (candidates.length < 2) return undefined;
  const identity = planned.random.pick(candidates);
  planned.identities = without(planned.identities, identity);
  return { kind: 'delete-identity', ...identity };
}

function putBinding(planned: Planned, namespace: Team): Operation | undefined {
  const identities = of(planned.identities, namespace);
  if (identities.length === 0 || of(planned.bindings, namespace).length >= mostOfAKind) return undefined;
  const { random } = planned;
  const binding = named(planned, namespace, 'binding');
  planned.bindings.push(binding);
  return {
    kind: 'put-binding',
    ...binding,
    identity: random.pick(identities).name,
    selector: random.pick(labels),
  };
}

function changeBinding({ random, identities, bindings }: Planned, namespace: Team): Operation | undefined {
  const [candidates, targets] = [of(bindings, namespace), of(identities, namespace)];
  if (candidates.length === 0 || targets.length === 0) return undefined;
  const { name } = random.pick(candidates);
  return {
    kind: 'put-binding',
    namespace,
    name,
    identity: random.pick(targets).name,
    selector: random.pick(labels),
  };
}

function deleteBinding(planned: Planned, namespace: Team): Operation | undefined {
  const candidates = of(planned.bindings, namespace);
  if (candidates.length < 2) return undefined;
  const binding = planned.random.pick(candidates);
  planned.bindings = without(planned.bindings, binding);
  return { kind: 'delete-binding', ...binding };
}

function putException(planned: Planned, namespace: Team): Operation | undefined {
  if (of(planned.exceptions, namespace).length > 0) return undefined;
  const exception = named(planned, namespace, 'exception');
  planned.exceptions.push(exception);
  return { kind: 'put-exception', ...exception };
}

function deleteException(planned: Planned, namespace: Team): Operation | undefined {
  const [exception] = of(planned.exceptions, namespace);
  if (!exception) return undefined;
  planned.exceptions = without(planned.exceptions, exception);
  return { kind: 'delete-exception', ...exception };
}

function recreateInAzure({ random }: Planned): Operation {
  const azure = random.pick([...sharedIdentities, ...foreignIdentities]);
  return { kind: 'recreate-in-azure', azure, awayMs: random.between(0, 4_000) };
}

/** Sometimes an identity that pods use as well: it does not become MIC's then. */
function attachForeign(planned: Planned): Operation | undefined {
  const { random } = planned;
  const azure = random.pick(random.below(3) === 0 ? sharedIdentities : foreignIdentities);
  const host = random.pick(mainHosts);
  if (planned.foreign.some((one) => one.host === host && one.azure === azure)) return undefined;
  planned.foreign.push({ host, azure });
  return { kind: 'attach-foreign', host, azure };
}

function detachForeign(planned: Planned): Operation | undefined {
  if (planned.foreign.length === 0) return undefined;
  const gone = planned.random.pick(planned.foreign);
  planned.foreign = without(planned.foreign, gone);
  return { kind: 'detach-foreign', ...gone };
}

function drift({ random }: Planned): Operation {
  return { kind: 'drift', host: random.pick(mainHosts), azure: random.pick(sharedIdentities) };
}

function replaceHost(): Operation {
  return { kind: 'replace-host', host: 'single-1' };
}

function scale(planned: Planned): Operation {
  planned.instances = planned.instances === 2 ? 3 : 2;
  if (planned.instances === 2) planned.pods = planned.pods.filter(({ node }) => node !== spareNode);
  return { kind: 'scale', instances: planned.instances };
}
