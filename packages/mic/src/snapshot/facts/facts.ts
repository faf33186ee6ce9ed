// Room: what Azure last returned for each host, and what MIC did there: folded from outcomes, read by the next plan.
// It must not call anything: facts are values.
import type { Host, ResourceId } from '@pod-identity/crd-types';

/** One identity that the host carries, as ARM reports it. A dead entry (its identity was deleted) has neither id. */
export interface PresentIdentity {
  readonly clientId?: string;
  readonly principalId?: string;
}

/** An identity that MIC itself attached. It is written down before the PATCH and confirmed after it. */
export interface OwnAttachment {
  /** Milliseconds since the epoch. */
  readonly since: number;
  readonly confirmed: boolean;
  /** Unconfirmed only: PATCHes sent under this intent whose answer is not known. One when left out. */
  readonly attempts?: number;
}

/** A dead entry of others that MIC takes off and puts back: on record before it is taken off, and never MIC's own. */
export interface Renewal {
  /** Milliseconds since the epoch. */
  readonly since: number;
}

/** Why an identity was refused by ARM, and until when it is left alone. */
export interface Quarantine {
  readonly until: number;
  readonly failures: number;
  readonly code: RejectionCode;
  readonly message: string;
}

/** What ARM refused on a host because of one namespace. */
export interface Strike {
  /** The last time. */
  readonly failedAt: number;
  /** When its budget for refused attempts is whole again. See strikes.ts. */
  readonly spentUntil: number;
  /** That ARM accepted an id of this namespace before says nothing any more. */
  readonly distrusted: boolean;
}

export type RejectionCode =
  | 'LinkedAuthorizationFailed'
  | 'FailedIdentityOperation'
  | 'IdentityNotFound'
  | 'InvalidIdentity'
  | 'Unknown';

/** The part that outlives the process: one record for each host, in MIC's own namespace. */
export interface HostRecord {
  readonly host: Host;
  readonly ours: ReadonlyMap<ResourceId, OwnAttachment>;
  /** Until Azure shows the entry again; what is missing of these is put back, whether a pod needs it or not. */
  readonly renewing: ReadonlyMap<ResourceId, Renewal>;
  readonly quarantined: ReadonlyMap<ResourceId, Quarantine>;
  /** Throttled or otherwise held back until then (milliseconds since the epoch); 0 when free. */
  readonly notBefore: number;
  /** The part of it that Azure asked for on behalf of the whole subscription: its other hosts are held as well. */
  readonly subscriptionNotBefore: number;
  /** When the PATCHes that were sent will have come back to the host's budget; 0 when none is missing. See budget.ts. */
  readonly spentUntil: number;
  /** By namespace; bounded. */
  readonly strikes: ReadonlyMap<string, Strike>;
  /** Ids of MIC's own that the host carried and carries no more, and until when it did; bounded. */
  readonly accepted: ReadonlyMap<ResourceId, number>;
  /** Added by PATCHes of MIC's that are not known to have succeeded: not usable yet, even if listed. See unapplied.ts. */
  readonly unapplied: ReadonlySet<ResourceId>;
  /** Operations in a row that ARM accepted and that failed. */
  readonly lateFailures: number;
}

/** The last failure to read or change a host, for logs, conditions and `mic explain`. */
export interface LastFailure {
  readonly kind: 'throttled' | 'denied' | 'busy' | 'gone' | 'unavailable' | 'failed';
  readonly message: string;
  readonly at: number;
  /** In a row, this one included: the host is left alone for longer each time. */
  readonly failures: number;
}

export interface HostFacts extends HostRecord {
  /** What the host carries; undefined until it was read once in this term. */
  readonly present?: ReadonlyMap<ResourceId, PresentIdentity>;
  readonly readAt?: number;
  /** Its last update has failed, whoever sent it. */
  readonly failed?: true | undefined;
  /** Since when an identity of ours has been needed by no pod: the start of its grace. */
  readonly idleSince: ReadonlyMap<ResourceId, number>;
  /** When an entry was last removed and attached again: one that stays dead must cause no loop. */
  readonly renewedAt: ReadonlyMap<ResourceId, number>;
  readonly lastFailure?: LastFailure;
}
