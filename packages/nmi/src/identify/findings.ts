import { createTokenBucket, RecentMap, type Clock, type TokenBucket } from '@pod-identity/kit/core';
import type { CallerAnswer, NotTold, PodCheck, PodMemory, Told } from './answers.ts';
import { identifyPod, isBehind, type Identification } from './identify-pod.ts';
import { judgeSilence, unconfirmed, type SilentCase } from './judge-caller.ts';
import { differs, type Neighbour } from './neighbour.ts';
import { createSilences } from './silences.ts';
import { addressesKept, createTies, type Ties } from './ties.ts';

/** A connection for which it is asked who has its address. */
export interface Look {
  readonly address: string;
  readonly openedAt: number;
  /** What the kernel says of the address now. */
  readonly neighbour: Neighbour | undefined;
}

/** An answer, and what it rests on. */
export interface Found extends Told {
  /** The API server said so itself, and of a pod that did not end. */
  readonly isConfirmed: boolean;
  /** What the kernel said of the address just before the API server was asked. */
  readonly neighbour: Neighbour | undefined;
}

/** What the API server said of an address. */
export interface Finding extends Told {
  readonly neighbour: Neighbour | undefined;
  /** What memory held of the address when it was asked. */
  readonly known: Identification;
}

export interface FindingsOptions {
  readonly memory: PodMemory;
  readonly clock: Clock;
  readonly check: PodCheck;
}

export interface Findings {
  /** The pod behind a connection, if that is certain enough without a question. */
  recall(look: Look): Found | undefined;
  /** What counts while the same question was not answered a moment ago; undefined when it may be asked. */
  recallSilence(look: Look): Found | undefined;
  /** The pod that is not confirmed when the kernel has changed its mind so often that nobody is asked; else undefined. */
  refuseToAsk(look: Look): Found | undefined;
  note(address: string, finding: Finding): Found;
  noteSilence(look: Look, silence: NotTold): Found;
  readonly ties: Ties;
}

interface Kept extends Finding, Found {
  answer: CallerAnswer;
  /** Of memory, when it was last compared with the finding. */
  revision: number;
  /** Questions for no other reason than that the kernel's word has changed. */
  readonly changes: TokenBucket;
}

/** A pod that can send frames of any content can change what the kernel says as often as it likes, of others on its link too. */
const changesAtOnce = 5;
const changesPerSecond = 1;

/**
 * What the API server said of addresses, for as long as it may be relied on. A connection belongs to one pod from its
 * beginning to its end: whoever gets the address later has no part in it. So what was found after a connection was opened
 * is true of it for ever; for a connection that is newer it is good for a short time only. When memory comes to hold
 * another pod for the address, or the kernel says something else of it, the finding is void at once.
 */
export function createFindings(options: FindingsOptions): Findings {
  const { memory, clock, check } = options;
  const kept = new RecentMap<string, Kept>(addressesKept);
  const ties = createTies();
  const silences = createSilences(options);
  const isFresh = freshness(options);
  const inStep = stepper(kept, memory);
  const remembered = (address: string) => identifyPod(memory.filedUnder(address), clock.now());

  const judge = (look: Look, why: NotTold['why']): Found => {
    const known = remembered(look.address);
    const last = lastWord(options, known, inStep(look.address, known));
    return judged({ ...look, why, mode: check.mode }, last, ties);
  };

  return {
    recall(look) {
      const last = kept.get(look.address);
      // The way of nearly every request: nothing was changed, so nothing is made.
      if (last?.revision === memory.revision && isFresh(last, look)) return last;
      const known = remembered(look.address);
      if (check.mode === 'off' && known.kind === 'pod' && memory.isCurrent())
        return { ...unasked(known, look.neighbour), isConfirmed: true };
      const finding = inStep(look.address, known);
      return finding && isFresh(finding, look) ? finding : undefined;
    },
    recallSilence(look) {
      const why = silences.on(look.address);
      return why && judge(look, why);
    },
    refuseToAsk: ({ address, neighbour }) => refusal(kept.get(address), neighbour, clock.elapsed()),
    note(address, finding) {
      silences.end();
      const found = { ...finding, ...marksOf(finding, kept.get(address), clock.elapsed()) };
      if (finding.known.kind !== 'none' || finding.answer.kind !== 'none') kept.set(address, found);
      if (found.isConfirmed) tieTo(found, address, ties);
      return found;
    },
    noteSilence(look, silence) {
      silences.note(look.address, silence);
      return judge(look, silence.why);
    },
    ties,
  };
}

function tieTo({ answer, neighbour }: Found, address: string, ties: Ties): void {
  if (answer.kind === 'pod') ties.set(address, answer.pod.uid, neighbour ?? ties.of(address, answer.pod.uid));
}

/** Whether a finding is good for a connection. */
function freshness({ memory, clock, check }: FindingsOptions) {
  return (finding: Kept, { openedAt, neighbour }: Look): boolean => {
    const { answer, begunAt } = finding;
    if (answer.kind === 'none' || differs(finding.neighbour, neighbour)) return false;
    if (answer.kind === 'pod' && begunAt >= openedAt && memory.isCurrent()) return true;
    // Who else has no address was not asked while the pod did not end.
    if (answer.kind === 'pod' && answer.pod.isEnding && finding.othersAwait === undefined) return false;
    return clock.elapsed() - begunAt < check.ageMs;
  };
}

/** The finding on the address, brought in step with memory; undefined when memory has moved on. */
function stepper(kept: Map<string, Kept>, memory: PodMemory) {
  return (address: string, known: Identification): Kept | undefined => {
    const finding = kept.get(address);
    if (!finding) return undefined;
    const { answer } = finding;
    const isAgreed = known.kind === 'pod' && answer.kind === 'pod' && known.pod.uid === answer.pod.uid;
    // Memory has the labels as they are now; after silence the API server's own answer is newer.
    if (isAgreed && memory.isCurrent() && !isBehind(known.pod, answer.pod)) finding.answer = known;
    if (isAgreed || holdersOf(known) === holdersOf(finding.known)) {
      finding.revision = memory.revision;
      return finding;
    }
    kept.delete(address);
    return undefined;
  };
}

/**
 * What counts without a new answer: the last one of the API server, or memory where there was none. It is trusted only if the
 * watch received something since then, and missed nothing while the API server answered others.
 */
function lastWord(
  { memory, clock, check }: FindingsOptions,
  known: Identification,
  finding: Kept | undefined,
) {
  const answer = finding?.answer ?? known;
  const isFromWatch = holdersOf(answer) === holdersOf(known);
  const sinceMs = isFromWatch || !finding ? Infinity : clock.elapsed() - finding.begunAt;
  const heardMs = memory.lastHeardMs();
  const isWhole = memory.missedMs() <= check.ageMs;
  return { last: answer, isTrusted: isWhole && heardMs <= check.outageMs && heardMs <= sinceMs };
}

function judged(
  { address, ...about }: Look & Pick<SilentCase, 'why' | 'mode'>,
  last: Pick<SilentCase, 'last' | 'isTrusted'>,
  ties: Ties,
): Found {
  const tie = last.last.kind === 'pod' ? ties.of(address, last.last.pod.uid) : undefined;
  return unasked(judgeSilence({ ...about, ...last, tie }), about.neighbour);
}

function refusal(
  finding: Kept | undefined,
  neighbour: Neighbour | undefined,
  now: number,
): Found | undefined {
  if (!finding || !differs(finding.neighbour, neighbour)) return undefined;
  if (finding.changes.take(now) === 0 || finding.answer.kind === 'none') return undefined;
  const { answer } = finding;
  return unasked(answer.kind === 'pod' ? unconfirmed(answer.pod) : answer, neighbour);
}

function marksOf({ answer }: Finding, before: Kept | undefined, now: number) {
  const isConfirmed = answer.kind === 'pod' && !answer.pod.isEnding;
  return { isConfirmed, revision: -1, changes: before?.changes ?? changeBucket(now) };
}

const changeBucket = (now: number) =>
  createTokenBucket({ capacity: changesAtOnce, refillPerMs: changesPerSecond / 1000, now });

/** What was not asked now: it counts for every connection, and confirms nothing. */
function unasked(answer: CallerAnswer, neighbour: Neighbour | undefined): Found {
  return { answer, begunAt: Infinity, othersAwait: undefined, isConfirmed: false, neighbour };
}

/** Who has the address, as a text to compare: several have it together, '' is nobody. */
export function holdersOf(found: CallerAnswer): string {
  if (found.kind === 'none') return '';
  return found.kind === 'ambiguous' ? found.pods.map(({ uid }) => uid).join(' ') : found.pod.uid;
}
