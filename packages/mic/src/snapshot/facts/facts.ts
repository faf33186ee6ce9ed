// Room: what Azure last returned for each host, and what MIC did there: folded from outcomes, read by the next plan.
// It must not call anything: facts are values.
import type { Host, ResourceId } from '@pod-identity/crd-types';

/** One identity of a host, as ARM reports it. A dead entry (its identity was deleted) has neither id. */
export interface PresentIdentity {
  readonly clientId?: string;
  readonly principalId?: string;
}

/** An identity that MIC attached. It is recorded before the PATCH and confirmed after it. */
export interface OwnAttachment {
  /** Milliseconds since the epoch. */
  readonly since: number;
  readonly confirmed: boolean;
  /** Unconfirmed only: number of PATCHes under this intent without a known response. Default: one. */
  readonly attempts?: number;
}

/** A dead entry of another tool that MIC removes and attaches again: recorded before the removal, and never MIC's own. */
export interface Renewal {
  /** Milliseconds since the epoch. */
  readonly since: number;
}

/** Why ARM refused an identity, and when it may be tried again. */
export interface Quarantine {
  readonly until: number;
  readonly failures: number;
  readonly code: RejectionCode;
  readonly message: string;
}

/** Refusals on a host that are charged to one namespace. */
export interface Strike {
  /** Time of the last refusal. */
  readonly failedAt: number;
  /** When its budget for refused attempts is full again. See strikes.ts. */
  readonly spentUntil: number;
  /** Whether earlier acceptance of an id no longer counts for this namespace. */
  readonly distrusted: boolean;
}

export const rejectionCodes = [
  'LinkedAuthorizationFailed',
  'FailedIdentityOperation',
  'IdentityNotFound',
  'InvalidIdentity',
  'Unknown',
] as const;
export type RejectionCode = (typeof rejectionCodes)[number];

/** The part that is stored: one record for each host, in MIC's namespace. */
export interface HostRecord {
  readonly host: Host;
  readonly ours: ReadonlyMap<ResourceId, OwnAttachment>;
  /** Until a reading lists the entry again, it is attached again if missing, whether or not a pod needs it. */
  readonly renewing: ReadonlyMap<ResourceId, Renewal>;
  readonly quarantined: ReadonlyMap<ResourceId, Quarantine>;
  /** Throttled or otherwise held back until this time (milliseconds since the epoch); 0: not. */
  readonly notBefore: number;
  /** The part of `notBefore` that Azure requested for the whole subscription: its other hosts are held back too. */
  readonly subscriptionNotBefore: number;
  /** When the host's budget of PATCHes is full again; 0: it is full. See budget.ts. */
  readonly spentUntil: number;
  /** By namespace; bounded. */
  readonly strikes: ReadonlyMap<string, Strike>;
  /** Ids of MIC's own that the host carried earlier, and until when; bounded. */
  readonly accepted: ReadonlyMap<ResourceId, number>;
  /** Added by PATCHes of MIC that are not known to have succeeded: not usable yet, even if listed. See unapplied.ts. */
  readonly unapplied: ReadonlySet<ResourceId>;
  /** Consecutive operations that failed after ARM accepted them. */
  readonly lateFailures: number;
}

/** The last failure to read or change a host, for logs and conditions. */
export interface LastFailure {
  readonly kind: 'throttled' | 'denied' | 'busy' | 'gone' | 'unavailable' | 'failed';
  readonly message: string;
  /** Consecutive failures, this one included: each lengthens the pause. */
  readonly failures: number;
  /** MIC has no token that Azure accepts. */
  readonly lacksToken?: true;
  /** A lock of Azure forbids changes. */
  readonly isLocked?: true;
}

export interface HostFacts extends HostRecord {
  /** What the host carries; undefined until it was read in this term. */
  readonly present?: ReadonlyMap<ResourceId, PresentIdentity>;
  readonly readAt?: number;
  /** Whether its last update failed, whoever sent it. */
  readonly failed?: true | undefined;
  /** For MIC's own identities that no pod needs: since when. Start of the grace period. */
  readonly idleSince: ReadonlyMap<ResourceId, number>;
  /** When an entry was last removed and attached again; prevents a loop if it stays dead. */
  readonly renewedAt: ReadonlyMap<ResourceId, number>;
  readonly lastFailure?: LastFailure;
}
