import type { Clock } from '@pod-identity/kit/core';
import type { CallerAnswer, PodCheck, PodMemory } from './findings.ts';
import { identifyPod, type Identification } from './identify-pod.ts';
import type { PodView } from './pod-view.ts';
import { createQuestionLine } from './question-line.ts';

export type PodName = Pick<PodView, 'namespace' | 'name'>;

/** The API server, as far as pods are concerned. Undefined: it did not answer. */
export interface PodQuestions {
  /** The pod itself; none when it is gone. */
  read(pod: PodName): Promise<readonly PodView[] | undefined>;
  /** Who has the address. */
  lookUp(address: string): Promise<readonly PodView[] | undefined>;
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

/** An answer, with when the API server was asked; without, when it said nothing. */
interface Reply {
  readonly answer: CallerAnswer;
  readonly begunAt?: number;
}

/** Asks who has an address of which memory knows this much. */
export type AskHolder = (address: string, known: Identification) => Promise<Reply>;

/** More would be felt by the API server, fewer by the 250 pods of a node that all call at once, as after a restart of ours. */
const questionsAtATime = 20;
const questionsPerSecond = 250;

interface Said {
  readonly found: Identification;
  readonly begunAt: number;
}

/** Puts to the API server what memory knows of an address, and judges what it says. */
export function createHolderQuestion(options: HolderOptions): AskHolder {
  const { pods, clock, onChecked } = options;
  const inLine = createQuestionLine({
    ...{ clock, patienceMs: options.patienceMs },
    ...{ atATime: questionsAtATime, perSecond: questionsPerSecond },
  });
  const put = async (question: () => ReturnType<PodQuestions['read']>): Promise<Said | undefined> => {
    let begunAt = 0;
    const said = await inLine(() => {
      begunAt = clock.elapsed();
      return question();
    });
    return said && { found: identifyPod(said, clock.now()), begunAt };
  };

  const byAddress = async (address: string, known: Identification): Promise<Reply> => {
    const said = await put(() => pods.lookUp(address));
    return said
      ? { answer: newest(pods, address, said.found), begunAt: said.begunAt }
      : unanswered(options, known);
  };

  /** A pod that runs is asked for by its name, which costs the API server least; all else by the address. */
  const ask: AskHolder = async (address, known) => {
    if (known.kind !== 'pod' || known.pod.isEnding) return byAddress(address, known);
    const said = await put(() => pods.read(known.pod));
    if (!said) return unanswered(options, known);
    const { found, begunAt } = said;
    if (isHeldBy(found, known.pod, address)) return { answer: newest(pods, address, found), begunAt };
    const reply = await byAddress(address, known);
    // Memory is refuted, even if nobody says who came after.
    return reply.begunAt === undefined ? { answer: unconfirmed(known.pod), begunAt } : reply;
  };

  return async (address, known) => {
    const reply = await ask(address, known);
    if (known.kind === 'pod') onChecked?.(resultOf(known.pod, reply));
    return reply;
  };
}

const unconfirmed = (pod: PodView): CallerAnswer => ({ kind: 'unconfirmed', pod });

/** Nothing was said against what memory knows. That our own line was too long is no reason to believe it. */
function unanswered({ check, pods }: HolderOptions, known: Identification): Reply {
  const isBelieved = known.kind !== 'pod' || (check.mode !== 'strict' && pods.isAway());
  return { answer: isBelieved ? known : unconfirmed(known.pod) };
}

/** A pod that ends holds an address only as long as no other one does: that the pod itself cannot tell. */
function isHeldBy(found: Identification, { uid }: PodView, address: string): boolean {
  if (found.kind !== 'pod') return false;
  const { pod } = found;
  return pod.uid === uid && pod.addresses.includes(address) && !pod.isEnding;
}

/** Memory's view has the latest labels, unless the watch is silent. */
function newest(memory: PodMemory, address: string, found: Identification): Identification {
  if (found.kind !== 'pod' || !memory.isCurrent()) return found;
  const pod = memory.filedUnder(address).find(({ uid }) => uid === found.pod.uid);
  return pod ? { kind: 'pod', pod } : found;
}

function resultOf(known: PodView, { answer, begunAt }: Reply): CheckResult {
  if (begunAt === undefined || answer.kind === 'unconfirmed') return 'unanswered';
  return answer.kind === 'pod' && answer.pod.uid === known.uid ? 'confirmed' : 'moved';
}
