import type { Clock } from '@pod-identity/kit/core';
import { createTurnQueues, runInTurn, type Questioner } from '../waiting/turn-queues.ts';
import {
  isHolderAnswer,
  isNoAnswer,
  type NoHolderAnswer,
  type PodCheck,
  type PodMemory,
  type PodsAnswer,
  type HolderAnswer,
} from './answers.ts';
import { addressIsUnreported, identifyPod, isBehind, type Identification } from './identify-pod.ts';
import { unconfirmed } from './judge-caller.ts';
import type { PodView } from './pod-view.ts';
import { createSharedList } from './shared-list.ts';

export type PodName = Pick<PodView, 'namespace' | 'name'>;

export interface PodQuestions {
  /** One pod; an empty list if it does not exist. */
  read(pod: PodName): Promise<PodsAnswer>;
  /** All pods of the node. */
  readAll(): Promise<PodsAnswer>;
}

/** Result of a check whether a pod from memory still has its address. */
export type CheckResult = 'confirmed' | 'moved' | 'unanswered';

export interface HolderOptions {
  readonly pods: PodMemory & PodQuestions;
  readonly clock: Clock;
  readonly check: PodCheck;
  /** How long a question to the API server may wait for its turn. */
  readonly patienceMs: number;
  readonly onChecked?: (result: CheckResult) => void;
}

export interface HolderQuestionOptions extends HolderOptions {
  /** Whether the kernel shows that a terminating pod has its address. */
  readonly isHeldByKernel: (address: string, uid: string) => boolean;
}

export interface HolderQuestion {
  /** Asks who has an address. `known`: who has it by memory. `gone` aborts when nobody waits for the answer any more. */
  ask(address: string, known: Identification, gone: AbortSignal): Promise<HolderAnswer | NoHolderAnswer>;
}

/** A higher rate would load the API server; a lower one delays the 250 pods of a node that all call after a restart of NMI. */
const questionRate = { atATime: 20, quota: { burst: 250, perSecond: 250 } };
/** A pod has one or two addresses, with one question at a time for each. */
const questionsWaiting = { total: 2_048, perNamespace: 1_024, perPod: 8 };
/** The list of the node's pods serves all callers: it is charged to no namespace, and continues when a caller leaves. */
const forAll: Questioner = { tenant: { namespace: '', pod: '' }, gone: new AbortController().signal };

interface Heard {
  readonly pods: readonly PodView[];
  readonly begunAt: number;
}

/** Asks the API server whether it agrees with what memory has for an address. */
export function createHolderQuestion(options: HolderQuestionOptions): HolderQuestion {
  const { pods, clock, onChecked, isHeldByKernel } = options;
  const put = createAsker(options);
  // The list is one question in the queue, however many callers wait for it: they take no places from questions about single pods.
  const list = createSharedList({
    clock,
    ageMs: options.check.ageMs,
    list: () => put(forAll, () => pods.readAll()),
  });

  const byAddress = async (address: string, gone: AbortSignal): Promise<HolderAnswer | NoHolderAnswer> => {
    const heard = (await list(gone)) ?? { why: 'crowded' };
    if ('why' in heard) return heard;
    const found = identifyPod(
      heard.pods.filter(({ addresses }) => addresses.includes(address)),
      clock.now(),
    );
    const answer = newest(pods, address, found);
    return { answer, begunAt: heard.begunAt, othersAwait: othersAwait(heard.pods, found, clock.now()) };
  };

  /**
   * Reads by name a pod that is running, or that has its address by what the kernel shows, which costs the API server least; otherwise
   * lists all pods to find the address.
   */
  const ask: HolderQuestion['ask'] = async (address, known, gone) => {
    if (known.kind !== 'pod') return byAddress(address, gone);
    const { namespace, uid, isEnding } = known.pod;
    if (isEnding && !isHeldByKernel(address, uid)) return byAddress(address, gone);
    const heard = await put({ tenant: { namespace, pod: uid }, gone }, () => pods.read(known.pod));
    if ('why' in heard) return heard;
    const found = identifyPod(heard.pods, clock.now());
    const { begunAt } = heard;
    if (isReportedFor(found, known.pod, address)) {
      const answer = newest(pods, address, found);
      if (!found.pod.isEnding) return { answer, begunAt, othersAwait: undefined };
      if (isHeldByKernel(address, uid)) return { answer, begunAt, othersAwait: true };
    }
    const reply = await byAddress(address, gone);
    // The pod no longer has the address, even if it is not known who has it now.
    return isHolderAnswer(reply)
      ? reply
      : { answer: unconfirmed(known.pod), begunAt, othersAwait: undefined };
  };

  return {
    async ask(address, known, gone) {
      const reply = await ask(address, known, gone);
      if (known.kind === 'pod') onChecked?.(resultOf(known.pod, reply));
      return reply;
    },
  };
}

function createAsker({ clock, patienceMs }: HolderOptions) {
  const { questions } = createTurnQueues({
    clock,
    all: { ...questionRate, patienceMs },
    queues: { questions: { atATime: questionRate.atATime, waiting: questionsWaiting } },
  });
  return async (
    questioner: Questioner,
    question: () => Promise<PodsAnswer>,
  ): Promise<Heard | NoHolderAnswer> => {
    let begunAt = 0;
    const said = await runInTurn(questions, questioner, () => {
      begunAt = clock.elapsed();
      return question();
    });
    if (said === undefined) return { why: 'crowded' };
    return isNoAnswer(said) ? said : { pods: said, begunAt };
  };
}

function othersAwait(pods: readonly PodView[], found: Identification, now: number): boolean {
  const uid = found.kind === 'pod' ? found.pod.uid : undefined;
  return pods.some((pod) => pod.uid !== uid && addressIsUnreported(pod, now));
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

function resultOf(known: PodView, reply: HolderAnswer | NoHolderAnswer): CheckResult {
  if (!isHolderAnswer(reply) || reply.answer.kind === 'unconfirmed') return 'unanswered';
  const { answer } = reply;
  return answer.kind === 'pod' && answer.pod.uid === known.uid ? 'confirmed' : 'moved';
}
