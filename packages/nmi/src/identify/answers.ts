// What callers, memory and the API server say of an address, as values.
import type { Identification } from './identify-pod.ts';
import type { PodView } from './pod-view.ts';

/** `live`: the API server must confirm that a pod has its address, unless it is away. `strict`: always. `off`: never. */
export interface PodCheck {
  readonly mode: 'live' | 'strict' | 'off';
  /** How long a confirmation holds for connections that are opened after it. */
  readonly ageMs: number;
  /** How long after the last answer of the API server memory counts. */
  readonly outageMs: number;
}

/** `unconfirmed`: memory names the pod, and the API server did not bear it out. */
export type CallerAnswer = Identification | { readonly kind: 'unconfirmed'; readonly pod: PodView };

/** What is remembered of the node's pods. */
export interface PodMemory {
  filedUnder(address: string): readonly PodView[];
  /** Grows with every change of any pod. */
  readonly revision: number;
  /** Whether the API server answered lately. */
  isCurrent(): boolean;
  /** How long ago the watch last heard from the API server. */
  lastHeardMs(): number;
  /** For how long the API server answered others after the watch had ended: what happened to pods then is not known. */
  missedMs(): number;
  /** Whether some other pod of the node has no address yet. */
  othersAwait(uid: string): boolean;
}

/** That a question was not answered. It says nothing of any other question. */
export interface Unsaid {
  /** away: nothing came back from the API server. refused: an HTTP answer came, and none to the question. */
  readonly why: 'away' | 'refused';
  /** How long the same is not asked again. */
  readonly pauseMs: number;
}

export type Said = readonly PodView[] | Unsaid;
export const isUnsaid = (said: Said): said is Unsaid => 'why' in said;

/** What was said of an address. */
export interface Told {
  readonly answer: CallerAnswer;
  /** When the API server was asked. */
  readonly begunAt: number;
  /** Whether some other pod of the node has no address yet; undefined when that was not asked. */
  readonly othersAwait: boolean | undefined;
}

/** crowded: our own queue of questions was full or too slow. */
export type NotTold = Unsaid | { readonly why: 'crowded' };
export const isTold = (reply: Told | NotTold): reply is Told => 'answer' in reply;
