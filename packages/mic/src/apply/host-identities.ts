// What applying a plan needs from Azure: read a host's identities and change them. Implemented in azure/.
// Types only. An answer is per identity; a refusal is a value, never an exception.
import type { Host, ResourceId } from '@pod-identity/crd-types';
import type { PresentIdentity, RejectionCode } from '../snapshot/facts/facts.ts';

export interface HostChange {
  readonly attach: readonly ResourceId[];
  /** Listed by an update that failed: sent again if the host is still Failed by then. */
  readonly again?: readonly ResourceId[];
  /** Dead entries, removed first and attached again. One that is alive by then is left alone. */
  readonly renew: readonly ResourceId[];
  readonly detach: readonly ResourceId[];
  /** Added by updates that failed: they come off, whoever needs them, so that the rest succeeds without them. */
  readonly withdraw?: readonly ResourceId[];
  /** The namespace of those, where it is one alone. */
  readonly suspect?: string;
  /** The namespace that answers for an id: none of its ids is sent again in this update once one of them was refused. */
  readonly namespaces?: ReadonlyMap<ResourceId, string>;
}

export interface Rejection {
  readonly id: ResourceId;
  readonly code: RejectionCode;
  /** ARM's own words, without tokens. */
  readonly message: string;
}

/** Why a host could not be read or changed as a whole. */
export type HostRefusal =
  | { readonly kind: 'gone'; readonly message: string }
  | { readonly kind: 'busy'; readonly message: string; readonly retryAfterMs: number }
  | {
      readonly kind: 'throttled';
      readonly message: string;
      readonly retryAfterMs: number;
      readonly scope: 'host' | 'subscription';
    }
  | { readonly kind: 'denied'; readonly message: string }
  | {
      readonly kind: 'unavailable';
      readonly message: string;
      readonly retryAfterMs: number;
      /** ARM's own, where it answered with an error in its words. */
      readonly code?: string;
      readonly late?: true;
    }
  /** `late`: ARM had accepted the update, and its operation failed. */
  | { readonly kind: 'failed'; readonly message: string; readonly code?: string; readonly late?: true }
  /** Leadership was lost or the process is stopping: nothing more was sent. */
  | { readonly kind: 'aborted' };

export interface HostReading {
  readonly kind: 'read';
  readonly present: ReadonlyMap<ResourceId, PresentIdentity>;
  readonly systemAssigned: boolean;
  readonly provisioningState?: string;
  /** The host is being changed: `present` holds what is usable meanwhile, and is not the end of it. */
  readonly unsettled?: true;
  /** The last update of the host has failed, whoever sent it. */
  readonly failed?: true;
}

export type ReadOutcome = HostReading | HostRefusal;

export interface UpdateOutcome {
  /** The host as it is known to be afterwards; undefined when it could not be read again. */
  readonly present?: ReadonlyMap<ResourceId, PresentIdentity>;
  /** `present` may be out of date: the host is being changed, or was not read since the last PATCH that failed. */
  readonly unsettled?: true;
  /** The last update of the host has failed. */
  readonly failed?: true;
  /** What PATCHes added whose operations succeeded. */
  readonly applied?: readonly ResourceId[];
  /** For each PATCH that ARM certainly did not take (or that was not sent): the ids that it was to attach. */
  readonly refused?: readonly ResourceId[];
  readonly rejected: readonly Rejection[];
  /** What stopped the change as a whole; undefined when everything but `rejected` was done. */
  readonly refusal?: HostRefusal;
  /** PATCH requests sent. */
  readonly patches: number;
  /** The namespaces that PATCHes were refused for, and how many. */
  readonly blamed?: ReadonlyMap<string, number>;
}

export interface UpdateContext {
  readonly signal: AbortSignal;
  readonly spentUntil?: number;
  /** Whether MIC still leads, asked right before each PATCH is sent. */
  readonly mayBeSent?: () => boolean;
  /** So many refused PATCHes may be spent on sorting out what one namespace asked for. */
  readonly attempts?: number;
  /** Whether something else of the host's has come up meanwhile: then that goes first. */
  othersWait?(): boolean;
  /** MIC's own, and on the host by an update that is not known to have succeeded: it may come off again. */
  mayComeOff?(id: ResourceId): boolean;
  beforePatch(
    attaching: readonly ResourceId[],
    spentUntil: number,
    renewing?: readonly ResourceId[],
  ): Promise<void>;
}

export interface HostIdentities {
  read(host: Host, signal: AbortSignal): Promise<ReadOutcome>;
  /**
   * Reads the host, sends the net change (none: no PATCH), isolates rejected identities, follows the operation.
   * `beforePatch` is called with the ids that this PATCH will newly attach, with what it leaves of the host's budget, and
   * with the dead entries that it takes off in order to put them back; and again before every retry: it writes them down
   * durably and throws or rejects when writing or leadership fails, in which case nothing is sent. `spentUntil` is the
   * budget as the host's record has it.
   */
  update(host: Host, change: HostChange, context: UpdateContext): Promise<UpdateOutcome>;
}
