// The vocabulary of decisions. Types only: what a plan is made of, no rule.
import type { AzureIdentity, AzureIdentityBinding, Host, ResourceId } from '@pod-identity/crd-types';
import type { Barred } from '../snapshot/index/rights.ts';
import type { AssignedView, PodView } from '../snapshot/views.ts';

/** One pod that may act as one identity. */
export interface Assignment {
  /** `podNamespace/podName|identityNamespace/identityName` */
  readonly key: string;
  readonly pod: PodView;
  readonly binding: AzureIdentityBinding;
  readonly identity: AzureIdentity;
  readonly meaning: string;
  /** Type 0 only: the identity that the host must carry. */
  readonly resourceId?: ResourceId;
  /** Where its AzureAssignedIdentity lives; collisions of names are already resolved. */
  readonly objectNamespace: string;
  readonly objectName: string;
}

/** What is to happen to one AzureAssignedIdentity. The state it ends in depends on what the host carries by then. */
export type AssignmentStep =
  | { readonly kind: 'create'; readonly assignment: Assignment }
  | { readonly kind: 'update'; readonly assignment: Assignment; readonly current: AssignedView }
  | { readonly kind: 'confirm'; readonly assignment: Assignment; readonly current: AssignedView }
  | { readonly kind: 'delete'; readonly current: AssignedView; readonly why: DeleteReason };

export type DeleteReason =
  | 'pod-gone'
  | 'pod-finished'
  | 'pod-moved'
  | 'unbound'
  | 'identity-gone'
  | 'node-gone'
  | 'duplicate'
  | 'access-denied';

export type SkipReason =
  | 'not-scheduled'
  | 'finished'
  | 'empty-label'
  | 'no-binding'
  | 'not-selected'
  | 'identity-missing'
  | 'identity-invalid'
  | 'other-namespace'
  | 'shadowed'
  | 'too-many-bindings'
  | 'node-missing'
  | 'node-without-host'
  | AccessReason;

/** The API server says that the pod may not use the identity; nothing yet; or that it could not in mode `rbac`. */
export type AccessReason = 'access-denied' | 'access-unknown' | 'access-warned';

export interface Skip {
  readonly pod: PodView;
  readonly reason: SkipReason;
  /** 'namespace/name' where one is concerned. */
  readonly binding?: string;
  readonly identity?: string;
  readonly detail?: string;
  /** With `access-denied` and `access-warned`: what is missing, and whom. */
  readonly access?: Pick<Barred, 'subject' | 'targets'>;
  /** With `no-binding`: bindings of the pod's namespace are left out. */
  readonly leftOut?: boolean;
}

/** Everything to do for one host (a VM or a scale set), or for the nodes that have none (host undefined). */
export interface HostPlan {
  readonly host: Host | undefined;
  /** Missing on the host and wanted: never one that is quarantined. */
  readonly attach: readonly ResourceId[];
  /** On the host by an update that failed after ARM had accepted it: sent again. Left out when there is none. */
  readonly again?: readonly ResourceId[];
  /** Dead entries, by Azure's own word: removed, then attached again. */
  readonly renew: readonly ResourceId[];
  /** Ours, needed by no pod for the whole grace period, not protected. */
  readonly detach: readonly ResourceId[];
  /** The host has to be read first: never read in this term, or the drift period is over. */
  readonly read: boolean;
  readonly steps: readonly AssignmentStep[];
  /** Every identity that a live pod needs here, for apply to check a detach against at the last moment. */
  readonly needed: ReadonlySet<ResourceId>;
  /** Plan this host again no later than this (end of a grace, quarantine, throttle or drift period). */
  readonly wakeAt?: number;
  /** ARM is not to be called before this. Steps that need no ARM call go on. */
  readonly notBefore?: number;
}

export interface PlanRules {
  readonly forceNamespaced: boolean;
  /** Lower-case client ids that are never detached: `--immutable-user-msis` and the cluster's own. */
  readonly immutableClientIds: ReadonlySet<string>;
  readonly detachGraceMs: number;
  readonly driftPeriodMs: number;
}
