// What is known about who has an address, from memory and from the API server.
import type { Identification } from './identify-pod.ts';
import type { PodView } from './pod-view.ts';

/** The API server must confirm that a pod has its address, unless it does not respond. */
export interface PodCheck {
  /** How long a confirmation is valid for connections opened after it. */
  readonly ageMs: number;
  /** How long memory is valid after the last response of the API server. */
  readonly outageMs: number;
}

/** `unconfirmed`: memory has the pod, but the API server did not confirm it. */
export type CallerResult = Identification | { readonly kind: 'unconfirmed'; readonly pod: PodView };

export interface PodMemory {
  filedUnder(address: string): readonly PodView[];
  /** Increases with each change of any pod. */
  readonly revision: number;
  /** Whether another pod of the node has no address yet. */
  othersAwait(uid: string): boolean;
  /** Whether the API server responded recently. */
  isCurrent(): boolean;
  /** How long ago the watch last received anything. */
  lastHeardMs(): number;
  /** How long the API server responded to other requests after the watch had ended: changes of pods in that time are not known. */
  missedMs(): number;
}

/** One request failed; others may succeed. */
export interface NoResponse {
  /** away: the API server did not respond. refused: it responded with an error, such as 429. */
  readonly why: 'away' | 'refused';
  /** How long the same request is not repeated. */
  readonly pauseMs: number;
}

export type PodsResult = readonly PodView[] | NoResponse;
export const isNoResponse = (said: PodsResult): said is NoResponse => 'why' in said;

export interface HolderResult {
  readonly result: CallerResult;
  /** When the request to the API server was sent. */
  readonly begunAt: number;
  /** Whether another pod of the node may have no address yet; undefined if that does not matter: the pod was not terminating. */
  readonly othersAwait: boolean | undefined;
}

/** crowded: there was no slot or no turn in our own queue of requests. */
export type NoHolderResult = NoResponse | { readonly why: 'crowded' };
export const isHolderResult = (reply: HolderResult | NoHolderResult): reply is HolderResult =>
  'result' in reply;
