// What is asked of a host in Azure, and what came of it: the values that the port in apply/ takes and returns, and that
// host-facts.ts folds into what is known of the host. Failures are values, never exceptions.
import type { ResourceId } from '@pod-identity/crd-types';
import type { PresentIdentity, RejectionCode } from './facts.ts';

export interface HostChange {
  readonly attach: readonly ResourceId[];
  /** Listed by an update that failed: sent again if the host is still Failed by then. */
  readonly again?: readonly ResourceId[];
  /** Dead entries, removed first and attached again. One that is alive by then is left alone. */
  readonly renew: readonly ResourceId[];
  readonly detach: readonly ResourceId[];
  /** Added by updates that failed: removed, whoever needs them, so that the rest succeeds without them. */
  readonly withdraw?: readonly ResourceId[];
  /** The namespace of those, if there is only one. */
  readonly suspect?: string;
  /** The namespace of each id: once one of its ids was rejected, none of its ids is sent again in this update. */
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
  | { readonly kind: 'gone' | 'denied'; readonly message: string }
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
  /** ARM's own error code, if its response had one. */
  readonly code?: string;
  /** ARM had accepted the update, and its operation failed. */
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
  /** The host is being changed: `present` holds what is usable meanwhile, and says nothing about whose an entry is. */
  readonly unsettled?: true;
  /** The last update of the host has failed, whoever sent it. */
  readonly failed?: true;
}

export type ReadOutcome = HostReading | HostFailure;

export interface UpdateOutcome extends Partial<Pick<HostReading, 'present' | 'unsettled' | 'failed'>> {
  /** What PATCHes added whose operations succeeded. */
  readonly applied?: readonly ResourceId[];
  /** For each PATCH that ARM certainly did not accept (or that was not sent): the ids that it was to attach. */
  readonly refused?: readonly ResourceId[];
  readonly rejected: readonly Rejection[];
  /** What stopped the change as a whole; undefined when everything but `rejected` was done. */
  readonly refusal?: HostFailure;
  /** PATCH requests sent. */
  readonly patches: number;
  /** The namespaces that PATCHes were refused for, and how many. */
  readonly blamed?: ReadonlyMap<string, number>;
}

/** An update of a host: what was asked for, and what came of it. */
export interface HostUpdate {
  readonly change: HostChange;
  readonly outcome: UpdateOutcome;
}
