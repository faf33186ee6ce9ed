import type { Clock } from '@pod-identity/kit/core';
import { identifyPod, type Identification } from './identify-pod.ts';
import type { PodView } from './pod-view.ts';

/** `live`: the API server must confirm that a pod has its address, unless it is away. `strict`: always. `off`: never. */
export interface PodCheck {
  readonly mode: 'live' | 'strict' | 'off';
  /** How long a confirmation holds for connections that are opened after it. */
  readonly ageMs: number;
}

/** `unconfirmed`: memory names the pod, and the API server did not bear it out. */
export type CallerAnswer = Identification | { readonly kind: 'unconfirmed'; readonly pod: PodView };

/** What is remembered of the node's pods. */
export interface PodMemory {
  filedUnder(address: string): readonly PodView[];
  /** Grows with every change of any pod. */
  readonly revision: number;
  /** Whether the API server was heard of lately. */
  isCurrent(): boolean;
  /** Whether a question to the API server would not be answered: one was not, a moment ago. */
  isAway(): boolean;
}

/** What the API server said of an address. */
export interface Finding {
  readonly answer: CallerAnswer;
  /** When it was asked, as `Clock.elapsed` counts. What it answered was true at some time after that. */
  readonly begunAt: number;
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
  recall(address: string, connectedAt: number): CallerAnswer | undefined;
  note(address: string, finding: Finding): void;
}

interface Kept extends Finding {
  answer: CallerAnswer;
  /** Of memory, when it was last compared with the finding. */
  revision: number;
}

/** Far more than a node has addresses. */
const addressesKept = 4_096;

/**
 * What the API server said of addresses, for as long as it may be relied on. A connection belongs to one pod from its
 * beginning to its end: whoever gets the address later has no part in it. So what was found after a connection was opened
 * is true of it for ever; for a connection that is newer it is good for a short time only. When memory comes to hold
 * another pod for the address, the finding is void at once.
 */
export function createFindings({ memory, clock, check }: FindingsOptions): Findings {
  const kept = new Map<string, Kept>();

  const isFresh = ({ answer, begunAt }: Kept, connectedAt: number): boolean => {
    if (answer.kind === 'none') return false;
    if (answer.kind === 'pod' && begunAt >= connectedAt && memory.isCurrent()) return true;
    return clock.elapsed() - begunAt < check.ageMs;
  };

  /** The finding on the address, brought in step with memory; undefined when memory has moved on. */
  const inStep = (address: string, known: Identification): Kept | undefined => {
    const finding = kept.get(address);
    if (!finding) return undefined;
    const { answer } = finding;
    const isAgreed = known.kind === 'pod' && answer.kind === 'pod' && known.pod.uid === answer.pod.uid;
    // Memory has the labels as they are now; after silence the API server's own answer is newer.
    if (isAgreed && memory.isCurrent()) finding.answer = known;
    if (isAgreed || holdersOf(known) === holdersOf(finding.known)) {
      finding.revision = memory.revision;
      return finding;
    }
    kept.delete(address);
    return undefined;
  };

  /** While nobody can be asked, the last word of the API server stands, and where there is none, memory. */
  const recallAway = (finding: Kept | undefined, known: Identification): CallerAnswer | undefined => {
    if (check.mode !== 'live' || !memory.isAway()) return undefined;
    const answer = finding?.answer ?? known;
    return answer.kind === 'none' ? undefined : answer;
  };

  return {
    recall(address, connectedAt) {
      const last = kept.get(address);
      // The way of nearly every request: nothing was changed, so nothing is made.
      if (last?.revision === memory.revision && isFresh(last, connectedAt)) return last.answer;
      const known = identifyPod(memory.filedUnder(address), clock.now());
      if (check.mode === 'off' && known.kind === 'pod' && memory.isCurrent()) return known;
      const finding = inStep(address, known);
      if (finding && isFresh(finding, connectedAt)) return finding.answer;
      return recallAway(finding, known);
    },
    note(address, finding) {
      if (finding.known.kind === 'none' && finding.answer.kind === 'none') return;
      const oldest = kept.size < addressesKept ? undefined : kept.keys().next().value;
      if (oldest !== undefined) kept.delete(oldest);
      kept.set(address, { ...finding, revision: -1 });
    },
  };
}

/** Who has the address, as a text to compare: several have it together, '' is nobody. */
export function holdersOf(found: Identification): string {
  if (found.kind === 'none') return '';
  return found.kind === 'pod' ? found.pod.uid : found.pods.map(({ uid }) => uid).join(' ');
}
