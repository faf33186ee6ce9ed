// Identities, bindings, pods and hosts.
import { hostName, type Host } from '@pod-identity/crd-types';
import type { Finding } from '@pod-identity/policy';
import {
  bindingCondition,
  explainPod,
  listProblems,
  type PodView,
} from '../../../mic/src/commands/plug-in.ts';
import type { Reported, World } from '../cluster/world.ts';
import type { IdentityView } from '../../../mic/src/commands/plug-in.ts';
import type { Row, State } from './row.ts';

export interface Judging {
  readonly world: World;
  /** Undefined: all of them. */
  readonly namespace: string | undefined;
  /** Identities are attached by MIC, which reports on them. */
  readonly hasMic: boolean;
  readonly now: number;
}

export function objectRows(judging: Judging): readonly Row[] {
  const { world, namespace } = judging;
  const isShown = (key: string) => namespace === undefined || key.startsWith(`${namespace}/`);
  const pods = world.pods.filter(({ finished }) => !finished).map((pod) => podRow(pod, judging));
  const shown = pods.filter((row) => row !== undefined);
  return [
    ...world.identities
      .filter(({ view }) => isShown(view.key))
      .map((reported) => identityRow(reported, judging)),
    ...world.bindings.filter(({ view }) => isShown(view.key)).map(({ view }) => bindingRow(view, world)),
    ...shown,
    ...(world.nodes === undefined ? [] : hostRows(world, shown)),
  ];
}

const named = (key: string) => ({
  namespace: key.slice(0, key.indexOf('/')),
  name: key.slice(key.indexOf('/') + 1),
});

const stateOf = (status: string): State =>
  status === 'True' ? 'ok' : status === 'False' ? 'problem' : 'waiting';

function identityRow({ view, ready }: Reported<IdentityView>, { world, hasMic }: Judging): Row {
  const row = { kind: 'identity', ...named(view.key) } as const;
  if (view.kind === 'invalid') return { ...row, state: 'problem', about: listProblems(view.problems) };
  const isUsed = world.index.hostsUsing(view.key).size > 0;
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

function bindingRow(view: Parameters<typeof bindingCondition>[0], { index }: World): Row {
  const { status, message } = bindingCondition(view, { index, facts: new Map() });
  return { kind: 'binding', ...named(view.key), state: stateOf(status), about: sentenceOf(message) };
}

/** What Azure says of hosts is not asked here: MIC reports it on the identity. */
const elsewhere: ReadonlySet<Finding['topic']> = new Set(['host', 'permission', 'access']);

/** Undefined for a pod that no binding concerns. */
function podRow(pod: PodView, judging: Judging): Row | undefined {
  const { world, hasMic, now } = judging;
  const { findings } = explainPod(pod, { ...world, factsOf: () => undefined, now });
  const lacksRecords = !hasMic || !world.hasRecords;
  const counting = findings.filter(
    ({ topic, verdict }) =>
      (!elsewhere.has(topic) || verdict === 'problem') && !(topic === 'record' && lacksRecords),
  );
  if (pod.isUnlabelled === true && !findings.some(({ topic }) => topic === 'record')) return undefined;
  const row = { kind: 'pod', namespace: pod.namespace, name: pod.name, node: pod.nodeName } as const;
  const first = (verdict: Finding['verdict']) => counting.find((finding) => finding.verdict === verdict);
  const problem = first('problem');
  if (problem !== undefined) return { ...row, state: 'problem', about: problem.text };
  const names = world.index
    .rightsOf(`${pod.namespace}/${pod.name}`)
    .usable.map(({ identityKey }) => identityKey);
  const about = `may act as ${names.join(', ')}`;
  const waiting = first('waiting');
  if (waiting === undefined)
    return { ...row, state: 'ok', about: names.length === 0 ? 'needs nothing' : about };
  const refused = whyRefused(names, world);
  return refused === undefined
    ? { ...row, state: 'waiting', about: waiting.text }
    : { ...row, state: 'problem', about: refused };
}

/** What MIC reports of an identity that waits. */
function whyRefused(names: readonly string[], { identities }: World): string | undefined {
  const refused = identities.find(({ view, ready }) => names.includes(view.key) && ready?.status === 'False');
  return refused?.ready && `AzureIdentity ${refused.view.key}: ${sentenceOf(refused.ready.message)}`;
}

/** Without the manifest or the commands that may follow: `explain` has them. */
const sentenceOf = (message: string): string => (message.split('\n')[0] ?? '').replace(/:$/, '');

const count = (number: number, one: string, many: string): string => `${number} ${number === 1 ? one : many}`;

function hostRows({ index, nodes = [] }: World, pods: readonly Row[]): readonly Row[] {
  const nodesOf = new Map<Host, string[]>();
  for (const { name } of nodes) {
    const { host } = index.nodeHost(name);
    if (host) nodesOf.set(host, [...(nodesOf.get(host) ?? []), name]);
  }
  return Array.from(nodesOf, ([host, names]) => {
    const own = pods.filter(({ node = '' }) => names.includes(node));
    const waiting = own.filter(({ state }) => state === 'waiting').length;
    const about = [
      `${count(index.need(host.id).size, 'identity', 'identities')} for ${count(own.length, 'pod', 'pods')} on ${count(names.length, 'node', 'nodes')}`,
      ...(waiting === 0 ? [] : [waiting === 1 ? '1 pod waits' : `${waiting} pods wait`]),
    ].join('; ');
    return {
      kind: 'host',
      namespace: '',
      name: hostName(host),
      state: waiting === 0 ? 'ok' : 'waiting',
      about,
    };
  });
}
