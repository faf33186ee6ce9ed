import { createTokenBucket, RecentMap, type Clock, type TokenBucket } from '@pod-identity/kit/core';
import type { CallerResult, NoHolderResult, PodCheck, PodMemory, HolderResult } from './results.ts';
import { identifyPod, isBehind, type Identification } from './identify-pod.ts';
import { judgeUnanswered, unconfirmed } from './judge-caller.ts';
import type { PodView } from './pod-view.ts';
import { differs, type Neighbour } from './neighbour.ts';
import { addressesKept, createUnanswered } from './unanswered.ts';
/** A connection whose pod is to be found. */
export interface Lookup {
  readonly address: string;
  readonly openedAt: number;
  /** The kernel's entry for the address now. */
  readonly neighbour: Neighbour | undefined;
}

export interface Found extends HolderResult {
  /** The kernel's entry just before the request to the API server. */
  readonly neighbour: Neighbour | undefined;
  /** It is another one than when the pod was last confirmed and not terminating. */
  readonly hasMoved?: boolean;
}

/** A response of the API server. */
export interface CheckedResult extends Found {
  /** What memory had for the address at the time of the request. */
  readonly known: Identification;
}

export interface HolderMemoryOptions {
  readonly memory: PodMemory;
  readonly clock: Clock;
  readonly check: PodCheck;
}

export type HolderMemory = ReturnType<typeof createHolderMemory>;

interface Kept extends CheckedResult {
  result: CallerResult;
  /** The revision of memory that it was last compared with. */
  revision: number;
  /** Limits requests that are made only because the kernel's entry changed. */
  readonly changes: TokenBucket;
}

/** A pod that can send arbitrary frames can change kernel entries at any rate, those of other pods on its link too. */
const changesAtOnce = 5;
const changesPerSecond = 1;

/**
 * Keeps responses of the API server about addresses while they are valid. A connection belongs to one pod until it is closed,
 * so a response to a request sent after a connection was opened is valid for it until then; for newer connections it
 * is valid for a short time. It ends at once when memory has another pod for the address, or the kernel another entry.
 */
export function createHolderMemory(options: HolderMemoryOptions) {
  const { memory, clock } = options;
  const kept = new RecentMap<string, Kept>(addressesKept);
  const confirmed = createConfirmed();
  const unanswered = createUnanswered(memory, clock);
  const isFresh = freshness(options);
  const inStep = stepper(kept, memory);
  const remembered = (address: string) => identifyPod(memory.filedUnder(address), clock.now());

  const judge = ({ address, neighbour }: Lookup, why: NoHolderResult['why']): Found => {
    const known = remembered(address);
    const entry = inStep(address, known);
    const word = lastWord(options, known, entry);
    const entries = { confirmed: confirmed.of(address, word.last) ?? entry?.neighbour, neighbour };
    return unasked(judgeUnanswered({ why, ...word, ...entries }), neighbour);
  };

  return {
    /** The pod of a connection, if that is certain without a request. */
    recall(lookup: Lookup): Found | undefined {
      const last = kept.get(lookup.address);
      // Nearly every request ends here: nothing has changed.
      if (last?.revision === memory.revision && isFresh(last, lookup)) return last;
      const entry = inStep(lookup.address, remembered(lookup.address));
      return entry && isFresh(entry, lookup) ? entry : undefined;
    },
    /** The result while a recent request about the address stays unanswered; undefined if it may be repeated. */
    recallUnanswered(lookup: Lookup): Found | undefined {
      const why = unanswered.on(lookup.address);
      return why && judge(lookup, why);
    },
    /** `unconfirmed` if the kernel's entry has changed so often that no request is made; otherwise undefined. */
    refuseRequest: ({ address, neighbour }: Lookup) => refusal(kept.get(address), neighbour, clock.elapsed()),
    /** Whether the kernel has another entry for the address than when its pod was last confirmed and not terminating. */
    hasMoved: (address: string, of: CallerResult, neighbour: Neighbour | undefined) =>
      differs(confirmed.of(address, of), neighbour),
    note(address: string, reply: CheckedResult): Found {
      unanswered.end();
      const entry = confirmed.note(address, reply);
      const changes = kept.get(address)?.changes ?? createChanges(clock.elapsed());
      if (reply.known.kind !== 'none' || reply.result.kind !== 'none')
        kept.set(address, { ...entry, revision: -1, changes });
      return entry;
    },
    noteUnanswered(lookup: Lookup, silence: NoHolderResult): Found {
      unanswered.note(lookup.address, silence);
      return judge(lookup, silence.why);
    },
  };
}

/** By address and pod: the kernel's entry when the pod was last confirmed and not terminating. It may have had none at later confirmations. */
function createConfirmed() {
  const entries = new RecentMap<string, Neighbour>(addressesKept);
  return {
    of: (address: string, result: CallerResult) => entries.get(`${address} ${holdersOf(result)}`),
    note(address: string, reply: CheckedResult): CheckedResult {
      const { result, neighbour } = reply;
      const last = entries.get(`${address} ${holdersOf(result)}`);
      if (result.kind === 'pod' && !result.pod.isEnding && neighbour !== undefined)
        entries.set(`${address} ${result.pod.uid}`, neighbour);
      return { ...reply, hasMoved: differs(last, neighbour) };
    },
  };
}

/** Whether an entry is valid for a connection. */
function freshness({ memory, clock, check }: HolderMemoryOptions) {
  return (entry: Kept, { openedAt, neighbour }: Lookup): boolean => {
    const { result, begunAt } = entry;
    if (result.kind === 'none' || differs(entry.neighbour, neighbour)) return false;
    if (result.kind === 'pod' && begunAt >= openedAt && memory.isCurrent()) return true;
    if (result.kind === 'pod' && result.pod.isEnding && needsList(entry, result.pod, memory)) return false;
    return clock.elapsed() - begunAt < check.ageMs;
  };
}

/** While a pod was not terminating, it was not checked whether other pods have no address yet; memory may know of one by now. */
const needsList = ({ othersAwait }: Kept, { uid }: PodView, memory: PodMemory): boolean =>
  othersAwait === undefined || (!othersAwait && memory.othersAwait(uid));

/** The entry for the address, updated from memory; undefined if memory has other pods for it now. */
function stepper(kept: Map<string, Kept>, memory: PodMemory) {
  return (address: string, known: Identification): Kept | undefined => {
    const entry = kept.get(address);
    if (!entry) return undefined;
    const { result } = entry;
    const isAgreed = known.kind === 'pod' && result.kind === 'pod' && known.pod.uid === result.pod.uid;
    // Memory has the current labels; if the watch is silent, the response of the API server is newer.
    if (isAgreed && memory.isCurrent() && !isBehind(known.pod, result.pod)) entry.result = known;
    if (isAgreed || holdersOf(known) === holdersOf(entry.known)) {
      entry.revision = memory.revision;
      return entry;
    }
    kept.delete(address);
    return undefined;
  };
}

/**
 * Used without a new response: the last one of the API server, otherwise memory. It is trusted only if the watch received
 * something since then, and missed nothing while the API server responded to other requests.
 */
function lastWord(
  { memory, clock, check }: HolderMemoryOptions,
  known: Identification,
  entry: Kept | undefined,
) {
  const result = entry?.result ?? known;
  const isFromWatch = holdersOf(result) === holdersOf(known);
  const sinceMs = isFromWatch || !entry ? Infinity : clock.elapsed() - entry.begunAt;
  const heardMs = memory.lastHeardMs();
  const isWhole = memory.missedMs() <= check.ageMs;
  return { last: result, isTrusted: isWhole && heardMs <= check.outageMs && heardMs <= sinceMs };
}

function refusal(entry: Kept | undefined, neighbour: Neighbour | undefined, now: number): Found | undefined {
  if (!entry || !differs(entry.neighbour, neighbour)) return undefined;
  if (entry.changes.take(now) === 0 || entry.result.kind === 'none') return undefined;
  const { result } = entry;
  return unasked(result.kind === 'pod' ? unconfirmed(result.pod) : result, neighbour);
}

const createChanges = (now: number) =>
  createTokenBucket({ capacity: changesAtOnce, refillPerMs: changesPerSecond / 1000, now });

/** A result without a request: valid for every connection. */
function unasked(result: CallerResult, neighbour: Neighbour | undefined): Found {
  return { result, begunAt: Infinity, othersAwait: true, neighbour };
}

/** The uids that have the address, as text to compare; '' if none. */
export function holdersOf(found: CallerResult): string {
  if (found.kind === 'none') return '';
  return found.kind === 'ambiguous' ? found.pods.map(({ uid }) => uid).join(' ') : found.pod.uid;
}
