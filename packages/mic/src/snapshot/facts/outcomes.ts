// Requests for a host in Azure and their results: the port in apply/ takes and returns these values, and host-facts.ts folds them
// into the facts of the host. Failures are values, never exceptions.
import type { ResourceId } from '@pod-identity/crd-types';
import type { PresentIdentity, RejectionCode } from './facts.ts';

export interface HostChange {
  readonly attach: readonly ResourceId[];
  /** Listed by an update that failed: sent again if the host is still Failed then. */
  readonly again?: readonly ResourceId[];
  /** Dead entries: removed first, then attached again. An entry that is alive by then is left unchanged. */
  readonly renew: readonly ResourceId[];
  readonly detach: readonly ResourceId[];
  /** Added by failed updates: removed even if needed, so that the rest succeeds. */
  readonly withdraw?: readonly ResourceId[];
  /** The namespace of the `withdraw` ids, if it is only one. */
  readonly suspect?: string;
  /** The namespace of each id. After one of its ids was rejected, none of its ids is sent again in this update. */
  readonly namespaces?: ReadonlyMap<ResourceId, string>;
}

/** Azure rejected one identity. */
export interface Rejection {
  readonly id: ResourceId;
  readonly code: RejectionCode;
  /** ARM's own message, without tokens. */
  readonly message: string;
}

/** Why a host could not be read or changed as a whole. */
export type HostFailure =
  | { readonly kind: 'gone'; readonly message: string }
  /** `lacksToken`: MIC has no token that Azure accepts, `isLocked`: a lock forbids changes; so no role is missing. */
  | {
      readonly kind: 'denied';
      readonly message: string;
      readonly lacksToken?: true;
      readonly isLocked?: true;
    }
  | { readonly kind: 'busy'; readonly message: string; readonly retryAfterMs: number }
  | {
      readonly kind: 'throttled';
      readonly message: string;
      readonly retryAfterMs: number;
      readonly scope: 'host' | 'subscription';
    }
  | (OperationFailure & { readonly kind: 'unavailable'; readonly retryAfterMs: number })
  | (OperationFailure & { readonly kind: 'failed' })
  /** Leadership was lost or the process is stopping: nothing more was sent. */
  | { readonly kind: 'aborted' };

interface OperationFailure {
  readonly message: string;
  /** ARM's error code, if the response had one. */
  readonly code?: string;
  /** Whether ARM had accepted the update and its operation failed. */
  readonly late?: true;
  readonly retryAfterMs?: number;
}

export function failedLate(failure: HostFailure): boolean {
  return 'late' in failure;
}

export interface HostReading {
  readonly kind: 'read';
  readonly present: ReadonlyMap<ResourceId, PresentIdentity>;
  readonly provisioningState?: string;
  /** Whether the host is being changed: `present` holds what is usable meanwhile and says nothing about ownership. */
  readonly unsettled?: true;
  /** Whether the last update of the host failed, whoever sent it. */
  readonly failed?: true;
}

export type ReadOutcome = HostReading | HostFailure;

export interface UpdateOutcome extends Partial<Pick<HostReading, 'present' | 'unsettled' | 'failed'>> {
  /** Ids added by PATCHes whose operations succeeded. */
  readonly applied?: readonly ResourceId[];
  /** For each PATCH that ARM certainly did not accept (or that was not sent): the ids that it would have attached. */
  readonly refused?: readonly ResourceId[];
  readonly rejected: readonly Rejection[];
  /** Why the change stopped as a whole; undefined if everything except `rejected` was done. */
  readonly refusal?: HostFailure;
  /** Number of PATCH requests sent. */
  readonly patches: number;
  /** Refused PATCHes by namespace that they are charged to. */
  readonly blamed?: ReadonlyMap<string, number>;
}

/** An update of a host: the request and its result. */
export interface HostUpdate {
  readonly change: HostChange;
  readonly outcome: UpdateOutcome;
}
