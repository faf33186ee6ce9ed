// Identities, bindings, pods and hosts.
import { hostName, type Host } from '@pod-identity/crd-types';
import type { Finding } from '@pod-identity/policy';
import {
  bindingCondition,
  explainPod,
  listProblems,
  type PodView,
} from '../../../mic/src/commands/plug-in.ts';
import type { Reported, ClusterView } from '../cluster/cluster-view.ts';
import type { IdentityView } from '../../../mic/src/commands/plug-in.ts';
import type { Row, State } from './row.ts';

export interface StatusInput {
  readonly cluster: ClusterView;
  /** Undefined: all of them. */
  readonly namespace: string | undefined;
  /** Identities are attached by MIC, which reports on them. */
  readonly hasMic: boolean;
  readonly now: number;
  readonly agentFault: AgentFault;
}

/** Why pods of this node get no token, whatever they may use; undefined if nothing is known against it. */
export type AgentFault = (node: string) => string | undefined;

export function objectRows(input: StatusInput): readonly Row[] {
  const { cluster, namespace } = input;
  const isShown = ({ view: { key } }: { view: { key: string } }) =>
    namespace === undefined || key.startsWith(`${namespace}/`);
  const pods = cluster.pods.map(createPodRow(input)).filter((row) => row !== undefined);
  return [
    ...cluster.identities.filter(isShown).map((reported) => identityRow(reported, input)),
    ...cluster.bindings.filter(isShown).map(({ view }) => bindingRow(view, cluster)),
    ...pods,
    ...hostRows(cluster, pods).map(({ row }) => row),
  ];
}

const named = (key: string) => ({
  namespace: key.slice(0, key.indexOf('/')),
  name: key.slice(key.indexOf('/') + 1),
});

const stateOf = (status: string): State =>
  status === 'True' ? 'ok' : status === 'False' ? 'problem' : 'waiting';

export function identityRow({ view, ready }: Reported<IdentityView>, { cluster, hasMic }: StatusInput): Row {
  const row = { kind: 'identity', ...named(view.key) } as const;
  if (view.kind === 'invalid') return { ...row, state: 'problem', about: listProblems(view.problems) };
  const isUsed = cluster.index.hostsUsing(view.key).size > 0;
  if (ready === undefined)
    return isUsed && hasMic
      ? { ...row, state: 'waiting', about: 'MIC has not said anything about it yet' }
      : { ...row, state: 'ok', about: isUsed ? 'pods use it' : 'valid' };
  const { status, message, isOutdated } = ready;
  if (isOutdated)
    return {
      ...row,
      state: 'waiting',
      about: `MIC has not seen its last change yet; before: ${sentenceOf(message)}`,
    };
  return { ...row, state: stateOf(status), about: sentenceOf(message) };
}

export function bindingRow(view: Parameters<typeof bindingCondition>[0], { index }: ClusterView): Row {
  const { status, message } = bindingCondition(view, { index, facts: new Map() });
  return { kind: 'binding', ...named(view.key), state: stateOf(status), about: sentenceOf(message) };
}

/** What Azure says of hosts is not asked here: MIC reports it on the identity. */
const elsewhere: ReadonlySet<Finding['topic']> = new Set(['host', 'permission', 'access']);

/** For pods of this cluster; undefined for those that have finished, or that no binding concerns. */
export function createPodRow(input: StatusInput): (pod: PodView) => Row | undefined {
  const refusalFor = refusalsIn(input.cluster);
  return (pod) => (pod.finished ? undefined : podRow(pod, input, refusalFor));
}

/** Undefined for a pod that no binding concerns. */
function podRow(pod: PodView, input: StatusInput, refusalFor: RefusalFor): Row | undefined {
  const { cluster, hasMic, now } = input;
  const { findings } = explainPod(pod, { ...cluster, factsOf: () => undefined, now });
  const lacksRecords = !hasMic || !cluster.hasRecords;
  const counting = findings.filter(
    ({ topic, verdict }) =>
      (!elsewhere.has(topic) || verdict === 'problem') && !(topic === 'record' && lacksRecords),
  );
  if (pod.isUnlabelled === true && !findings.some(({ topic }) => topic === 'record')) return undefined;
  const row = { kind: 'pod', namespace: pod.namespace, name: pod.name, node: pod.nodeName } as const;
  const first = (verdict: Finding['verdict']) => counting.find((finding) => finding.verdict === verdict);
  const [problem, waiting] = [first('problem'), first('waiting')];
  if (problem !== undefined) return { ...row, state: 'problem', about: problem.text };
  const names = cluster.index
    .rightsOf(`${pod.namespace}/${pod.name}`)
    .usable.map(({ identityKey }) => identityKey);
  const obstacle =
    names.map((name) => refusalFor(name, waiting === undefined)).find((text) => text !== undefined) ??
    (names.length === 0 ? undefined : input.agentFault(pod.nodeName));
  if (obstacle !== undefined) return { ...row, state: 'problem', about: obstacle };
  if (waiting !== undefined) return { ...row, state: 'waiting', about: waiting.text };
  const about = names.length === 0 ? 'needs nothing' : `may act as ${names.join(', ')}`;
  return { ...row, state: 'ok', about };
}

/** Why a pod cannot use an identity, by its key. What is assigned already goes on where MIC reports that some host or pod cannot have it. */
export type RefusalFor = (identity: string, isAssigned: boolean) => string | undefined;

export function refusalsIn({ identities }: Pick<ClusterView, 'identities'>): RefusalFor {
  const refusals = new Map(
    identities.flatMap(({ view: { key }, ready }) =>
      ready?.status === 'False' && !ready.isOutdated ? [[key, ready] as const] : [],
    ),
  );
  return (identity, isAssigned) => {
    const refusal = refusals.get(identity);
    if (refusal === undefined || (isAssigned && refusal.reason !== 'ClientIDMismatch')) return undefined;
    return `AzureIdentity ${identity}: ${sentenceOf(refusal.message)}`;
  };
}

/** Without the manifest or the commands that may follow: `explain` has them. */
const sentenceOf = (message: string): string => (message.split('\n')[0] ?? '').replace(/:$/, '');

const count = (number: number, one: string, many: string): string => `${number} ${number === 1 ? one : many}`;

/** Of hosts with nodes; none if nodes may not be read. */
export function hostRows(
  { index, nodes = [] }: ClusterView,
  pods: readonly Row[],
): readonly { readonly host: Host; readonly row: Row }[] {
  const byNode = Map.groupBy(pods, ({ node = '' }) => node);
  const nodesOf = new Map<Host, string[]>();
  for (const { name } of nodes) {
    const { host } = index.nodeHost(name);
    if (host) nodesOf.set(host, [...(nodesOf.get(host) ?? []), name]);
  }
  return Array.from(nodesOf, ([host, names]) => {
    const own = names.flatMap((name) => byNode.get(name) ?? []);
    const waiting = own.filter(({ state }) => state === 'waiting').length;
    const about = [
      `${count(index.need(host.id).size, 'identity', 'identities')} for ${count(own.length, 'pod', 'pods')} on ${count(names.length, 'node', 'nodes')}`,
      ...(waiting === 0 ? [] : [waiting === 1 ? '1 pod waits' : `${waiting} pods wait`]),
    ].join('; ');
    const state = waiting === 0 ? 'ok' : 'waiting';
    return { host, row: { kind: 'host', namespace: '', name: hostName(host), state, about } };
  });
}
