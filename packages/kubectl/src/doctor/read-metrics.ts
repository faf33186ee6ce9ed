// NMI's metrics, read of its pods through the API server's proxy. What answers at a pod's port is not trusted: no more than some numbers
// of known lines are taken from it.
import { createLimit, DeadlinePassed, withDeadline } from '@pod-identity/kit/core';
import { createAccessReviewer, KubeError } from '@pod-identity/kit/kube';
import type { Session } from '../cli/command.ts';
import { readText } from '../cluster/connect.ts';
import { itemsOf } from '../cluster/lists.ts';
import { configsOf, ownOf, type Installed, type Services } from '../cluster/services.ts';
import type { NmiConfig } from '../../../nmi/src/commands/plug-in.ts';
import { countedSince, countsIn, type AgentCounts } from './agent-counts.ts';
import { agentsOf } from './check-nodes.ts';
import type { AgentMetrics, DoctorFacts, PodFacts } from './facts.ts';

type Reading = Pick<Session, 'kube' | 'signal' | 'clock'>;

/** In a larger cluster the others are counted only. */
const mostPods = 50;
const atATime = 8;
const podMs = 3_000;
/** NMI's have some 50 KiB. */
const longest = 1024 * 1024;
/** Failures that were counted may be of long ago: after this time they are counted again. */
const againMs = 5_000;

export async function readMetrics(
  reading: Reading,
  { nmi }: Pick<Services, 'nmi'>,
  pods: DoctorFacts['pods'],
): Promise<DoctorFacts['metrics']> {
  const all = itemsOf(pods);
  const read = await Promise.all(ownOf(nmi).map((installed) => readOf(reading, installed, all)));
  return { agents: read.flatMap(({ agents }) => agents), notes: read.flatMap(({ notes }) => notes) };
}

async function readOf(
  reading: Reading,
  installed: Installed<NmiConfig>,
  pods: readonly PodFacts[],
): Promise<DoctorFacts['metrics']> {
  const [config] = configsOf([installed]);
  const all = agentsOf(installed, pods).filter(({ isFinished }) => !isFinished);
  if (config === undefined || all.length === 0) return { agents: [], notes: [] };
  const { namespace } = installed;
  if (!(await mayProxy(reading, namespace)))
    return { agents: [], notes: [`you may not get pods/proxy in namespace ${namespace}`] };
  const limit = createLimit(atATime);
  const read = (pod: PodFacts) => limit(() => readCounts(reading, pod, config.metrics.port));
  const seen = await Promise.all(all.slice(0, mostPods).map((pod) => readPod(pod, { ...reading, read })));
  return {
    agents: seen.filter((one) => typeof one !== 'string'),
    notes: [...unreadNotes(seen.filter((one) => typeof one === 'string')), ...skippedNotes(all.length)],
  };
}

async function readPod(
  pod: PodFacts,
  { read, clock, signal }: Reading & { readonly read: (pod: PodFacts) => ReturnType<typeof readCounts> },
): Promise<AgentMetrics | string> {
  const counts = await read(pod);
  if (typeof counts === 'string') return counts;
  if (counts.failed + counts.unconfirmed === 0) return { pod, counts, lately: counts };
  await clock.sleep(againMs, signal);
  const again = await read(pod);
  return typeof again === 'string' ? again : { pod, counts: again, lately: countedSince(counts, again) };
}

function unreadNotes(unread: readonly string[]): readonly string[] {
  const [first, ...more] = unread;
  if (first === undefined) return [];
  return [more.length === 0 ? first : `${first}; and ${more.length} more pods of NMI`];
}

const skippedNotes = (all: number): readonly string[] =>
  all > mostPods ? [`${mostPods} of ${all} pods of NMI are looked at`] : [];

/** What the API server's proxy says may be what the pod says: whether the user has the right is asked before. */
async function mayProxy({ kube, signal }: Reading, namespace: string): Promise<boolean> {
  const right = { verb: 'get', group: '', resource: 'pods', subresource: 'proxy', namespace };
  try {
    return await createAccessReviewer(kube).review(right, signal);
  } catch (error) {
    if (!(error instanceof KubeError) || signal.aborted) throw error;
    return false;
  }
}

/** Or why they are not known, in words. */
async function readCounts(
  { kube, signal, clock }: Reading,
  { namespace, name }: PodFacts,
  port: number,
): Promise<AgentCounts | string> {
  const path = `/api/v1/namespaces/${namespace}/pods/${name}:${port}/proxy/metrics`;
  const limits = { clock, ms: podMs, awaited: 'metrics', signal };
  try {
    const text = await withDeadline(limits, (ending) =>
      readAtMost(readText(kube, { method: 'GET', path, signal: ending })),
    );
    const counts = text === undefined ? undefined : countsIn(text);
    return counts ?? `port ${port} of pod ${namespace}/${name} gives no metrics of NMI`;
  } catch (error) {
    if (signal.aborted || !(error instanceof KubeError || error instanceof DeadlinePassed)) throw error;
    return `the metrics of pod ${namespace}/${name} cannot be read: ${error.message.slice(0, mostWords)}`;
  }
}

/** Of a message that the pod may have written. */
const mostWords = 200;

/** Undefined if it is longer. */
async function readAtMost(chunks: AsyncIterable<Buffer>): Promise<string | undefined> {
  const parts: Buffer[] = [];
  let size = 0;
  for await (const chunk of chunks) {
    size += chunk.length;
    if (size > longest) return undefined;
    parts.push(chunk);
  }
  return Buffer.concat(parts).toString('utf8');
}
