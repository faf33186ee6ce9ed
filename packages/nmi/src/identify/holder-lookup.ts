import type { Clock } from '@pod-identity/kit/core';
import { createTurnQueues, runInTurn, type TurnCaller } from '../waiting/turn-queues.ts';
import {
  isHolderResult,
  isNoResponse,
  type NoHolderResult,
  type PodCheck,
  type PodMemory,
  type PodsResult,
  type HolderResult,
} from './results.ts';
import { identifyPod, isBehind, othersAwait, type Identification } from './identify-pod.ts';
import { unconfirmed } from './judge-caller.ts';
import type { PodView } from './pod-view.ts';
import type { RunningContainers } from './running-containers.ts';
import { createSharedList } from './shared-list.ts';

export type PodName = Pick<PodView, 'namespace' | 'name'>;

export interface PodReader {
  /** One pod; an empty list if it does not exist. */
  read(pod: PodName): Promise<PodsResult>;
  /** All pods of the node. */
  readAll(): Promise<PodsResult>;
}

/** Result of a check whether a pod from memory still has its address. */
export type CheckResult = 'confirmed' | 'moved' | 'unanswered';

export interface HolderOptions {
  readonly pods: PodMemory & PodReader;
  readonly clock: Clock;
  readonly check: PodCheck;
  readonly containers: RunningContainers;
  /** How long a request to the API server may wait for its turn. */
  readonly patienceMs: number;
  readonly onChecked?: (result: CheckResult) => void;
}

/** Reads who has an address. `known`: who has it by memory. `gone` aborts when nobody waits for the response any more. */
type FindHolder = (
  address: string,
  known: Identification,
  gone: AbortSignal,
) => Promise<HolderResult | NoHolderResult>;

/** A higher rate would load the API server; a lower one delays the 250 pods of a node that all call after a restart of NMI. */
const readRate = { atATime: 20, quota: { burst: 250, perSecond: 250 } };
/** A pod has one or two addresses, with one request at a time for each. */
const readsWaiting = { total: 2_048, perNamespace: 1_024, perPod: 8 };
/** The list of the node's pods serves all callers: it is charged to no namespace, and continues when a caller leaves. */
const forAll: TurnCaller = { tenant: { namespace: '', pod: '' }, gone: new AbortController().signal };

interface ReadPods {
  readonly pods: readonly PodView[];
  readonly begunAt: number;
}

/**
 * Asks the API server whether it agrees with what memory has for an address.
 * @param hasMoved Whether the kernel has another entry for it than when its pod was last confirmed.
 */
export function createHolderLookup(
  options: HolderOptions,
  hasMoved: (address: string, known: Identification) => boolean,
): FindHolder {
  const { pods, clock, containers, onChecked } = options;
  const put = createPacedReads(options);
  // The list is one request in the queue, however many callers wait for it: they take no slots from requests about single pods.
  const list = createSharedList(clock, options.check.ageMs, () => put(forAll, () => pods.readAll()));

  const byAddress = async (address: string, gone: AbortSignal): Promise<HolderResult | NoHolderResult> => {
    const read = (await list(gone)) ?? { why: 'crowded' };
    if ('why' in read) return read;
    const found = identifyPod(
      read.pods.filter(({ addresses }) => addresses.includes(address)),
      clock.now(),
    );
    const result = newest(pods, address, found);
    const uid = found.kind === 'pod' ? found.pod.uid : undefined;
    return { result, begunAt: read.begunAt, othersAwait: othersAwait(read.pods, uid, clock.now()) };
  };

  /** Reads the pod by name, which costs the API server least; lists all pods if that is not enough to know who has the address. */
  const find: FindHolder = async (address, known, gone) => {
    const mayHaveEnded = (pod: PodView) =>
      pod.isEnding && (hasMoved(address, known) || containers.of(pod) !== 'running');
    if (known.kind !== 'pod' || mayHaveEnded(known.pod)) return byAddress(address, gone);
    const { namespace, uid } = known.pod;
    const read = await put({ tenant: { namespace, pod: uid }, gone }, () => pods.read(known.pod));
    if ('why' in read) return read;
    const found = identifyPod(read.pods, clock.now());
    if (isReportedFor(found, known.pod, address) && !mayHaveEnded(found.pod))
      return {
        result: newest(pods, address, found),
        begunAt: read.begunAt,
        othersAwait: found.pod.isEnding || undefined,
      };
    const reply = await byAddress(address, gone);
    // The pod no longer has the address, even if it is not known who has it now.
    return isHolderResult(reply)
      ? reply
      : { result: unconfirmed(known.pod), begunAt: read.begunAt, othersAwait: undefined };
  };

  return async (address, known, gone) => {
    const reply = await find(address, known, gone);
    if (known.kind === 'pod') onChecked?.(resultOf(known.pod, reply));
    return reply;
  };
}

function createPacedReads({ clock, patienceMs }: HolderOptions) {
  const { reads } = createTurnQueues({
    clock,
    all: { ...readRate, patienceMs },
    queues: { reads: { atATime: readRate.atATime, waiting: readsWaiting } },
  });
  return async (caller: TurnCaller, read: () => Promise<PodsResult>): Promise<ReadPods | NoHolderResult> => {
    let begunAt = 0;
    const pods = await runInTurn(reads, caller, () => {
      begunAt = clock.elapsed();
      return read();
    });
    if (pods === undefined) return { why: 'crowded' };
    return isNoResponse(pods) ? pods : { pods, begunAt };
  };
}

/** For a terminating pod this is not enough: another pod may have its address already. */
function isReportedFor(
  found: Identification,
  { uid }: PodView,
  address: string,
): found is Extract<Identification, { kind: 'pod' }> {
  return found.kind === 'pod' && found.pod.uid === uid && found.pod.addresses.includes(address);
}

/** Memory has the latest labels, unless the watch is silent or has not delivered yet that the pod is terminating. */
function newest(memory: PodMemory, address: string, found: Identification): Identification {
  if (found.kind !== 'pod' || !memory.isCurrent()) return found;
  const pod = memory.filedUnder(address).find(({ uid }) => uid === found.pod.uid);
  return pod && !isBehind(pod, found.pod) ? { kind: 'pod', pod } : found;
}

function resultOf(known: PodView, reply: HolderResult | NoHolderResult): CheckResult {
  if (!isHolderResult(reply) || reply.result.kind === 'unconfirmed') return 'unanswered';
  const { result } = reply;
  return result.kind === 'pod' && result.pod.uid === known.uid ? 'confirmed' : 'moved';
}
