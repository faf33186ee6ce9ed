import type { Clock } from '@pod-identity/kit/core';
import type { Questioner } from '../waiting/turn-queues.ts';
import {
  isTold,
  isUnsaid,
  type NotTold,
  type PodCheck,
  type PodMemory,
  type Said,
  type Told,
} from './answers.ts';
import { addressIsUnreported, identifyPod, isBehind, type Identification } from './identify-pod.ts';
import { oneAtATime } from './one-at-a-time.ts';
import { unconfirmed } from './judge-caller.ts';
import type { PodView } from './pod-view.ts';
import { createQuestionQueue } from './question-queue.ts';

export type PodName = Pick<PodView, 'namespace' | 'name'>;

/** The API server, as far as pods are concerned. */
export interface PodQuestions {
  /** The pod itself; none when it is gone. */
  read(pod: PodName): Promise<Said>;
  /** All pods of the node. */
  readAll(): Promise<Said>;
}

/** How it went when a pod that memory names was asked after. */
export type CheckResult = 'confirmed' | 'moved' | 'unanswered';

export interface HolderOptions {
  readonly pods: PodMemory & PodQuestions;
  readonly clock: Clock;
  readonly check: PodCheck;
  /** How long a question to the API server may wait for its turn. */
  readonly patienceMs: number;
  readonly onChecked?: (result: CheckResult) => void;
}

/** Asks who has an address of which memory knows this much. `gone` aborts when nobody waits for the answer any more. */
export type AskHolder = (
  address: string,
  known: Identification,
  gone: AbortSignal,
) => Promise<Told | NotTold>;

/** More would be felt by the API server, fewer by the 250 pods of a node that all call at once, as after a restart of ours. */
const questionRate = { atATime: 20, perNamespace: 10, perSecond: 250 };
/** A pod has an address or two, and each of them one question at a time. */
const questionsWaiting = { total: 2_048, perNamespace: 1_024, perPod: 8 };
/** The list of the node's pods is for all who wait for it: no namespace is charged for it, and no caller's end ends it. */
const forAll: Questioner = { tenant: { namespace: '', pod: '' }, gone: new AbortController().signal };

interface Heard {
  readonly pods: readonly PodView[];
  readonly begunAt: number;
}

/** Puts to the API server what memory knows of an address, and judges what it says. */
export function createHolderQuestion(options: HolderOptions): AskHolder {
  const { pods, clock, onChecked } = options;
  const put = createAsker(options);
  // The list answers for all addresses, and is one question in the queue: callers who wait for it take no places from those
  // whose pod is asked for by its name.
  const putAll = oneAtATime(() => put(forAll, () => pods.readAll()));

  const byAddress = async (address: string): Promise<Told | NotTold> => {
    const heard = await putAll();
    if ('why' in heard) return heard;
    const found = identifyPod(
      heard.pods.filter(({ addresses }) => addresses.includes(address)),
      clock.now(),
    );
    const answer = newest(pods, address, found);
    return { answer, begunAt: heard.begunAt, othersAwait: othersAwait(heard.pods, found, clock.now()) };
  };

  /** A pod that runs is asked for by its name, which costs the API server least; all else by the address. */
  const ask: AskHolder = async (address, known, gone) => {
    if (known.kind !== 'pod' || known.pod.isEnding) return byAddress(address);
    const { namespace, uid } = known.pod;
    const heard = await put({ tenant: { namespace, pod: uid }, gone }, () => pods.read(known.pod));
    if ('why' in heard) return heard;
    const found = identifyPod(heard.pods, clock.now());
    const { begunAt } = heard;
    if (isHeldBy(found, known.pod, address))
      return { answer: newest(pods, address, found), begunAt, othersAwait: undefined };
    const reply = await byAddress(address);
    // Memory is refuted, even if nobody says who came after.
    return isTold(reply) ? reply : { answer: unconfirmed(known.pod), begunAt, othersAwait: undefined };
  };

  return async (address, known, gone) => {
    const reply = await ask(address, known, gone);
    if (known.kind === 'pod') onChecked?.(resultOf(known.pod, reply));
    return reply;
  };
}

/** Asks in turn. */
function createAsker({ clock, patienceMs }: HolderOptions) {
  const inTurn = createQuestionQueue({
    clock,
    patienceMs,
    ...questionRate,
    waiting: questionsWaiting,
  });
  return async (questioner: Questioner, question: () => Promise<Said>): Promise<Heard | NotTold> => {
    let begunAt = 0;
    const said = await inTurn(questioner, () => {
      begunAt = clock.elapsed();
      return question();
    });
    if (said === undefined) return { why: 'crowded' };
    return isUnsaid(said) ? said : { pods: said, begunAt };
  };
}

function othersAwait(pods: readonly PodView[], found: Identification, now: number): boolean {
  const uid = found.kind === 'pod' ? found.pod.uid : undefined;
  return pods.some((pod) => pod.uid !== uid && addressIsUnreported(pod, now));
}

/** A pod that ends holds an address only as long as no other one does: that the pod itself cannot tell. */
function isHeldBy(found: Identification, { uid }: PodView, address: string): boolean {
  if (found.kind !== 'pod') return false;
  const { pod } = found;
  return pod.uid === uid && pod.addresses.includes(address) && !pod.isEnding;
}

/** Memory's view has the latest labels, unless the watch is silent or has not told yet that the pod ends. */
function newest(memory: PodMemory, address: string, found: Identification): Identification {
  if (found.kind !== 'pod' || !memory.isCurrent()) return found;
  const pod = memory.filedUnder(address).find(({ uid }) => uid === found.pod.uid);
  return pod && !isBehind(pod, found.pod) ? { kind: 'pod', pod } : found;
}

function resultOf(known: PodView, reply: Told | NotTold): CheckResult {
  if (!isTold(reply) || reply.answer.kind === 'unconfirmed') return 'unanswered';
  const { answer } = reply;
  return answer.kind === 'pod' && answer.pod.uid === known.uid ? 'confirmed' : 'moved';
}
