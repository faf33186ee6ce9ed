// The types that plans are made of; no logic.
import type {
  AzureIdentity,
  AzureIdentityBinding,
  Host,
  MismatchReason,
  ResourceId,
} from '@pod-identity/crd-types';
import type { Unbound } from '@pod-identity/policy';
import type { Barred } from '../snapshot/index/rights.ts';
import type { AssignedView, PodView } from '../snapshot/views.ts';

/** One pod that may use one identity. */
export interface Assignment {
  /** `podNamespace/podName|identityNamespace/identityName` */
  readonly key: string;
  readonly pod: PodView;
  readonly binding: AzureIdentityBinding;
  readonly identity: AzureIdentity;
  readonly meaning: string;
  /** Type 0 only: the id that the host must carry. */
  readonly resourceId?: ResourceId;
  /** Namespace of its AzureAssignedIdentity; `objectName` is already free of collisions. */
  readonly objectNamespace: string;
  readonly objectName: string;
}

/** One change of an AzureAssignedIdentity. Its resulting state depends on what the host carries by then. */
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
  | 'not-listed'
  | 'not-scheduled'
  | 'finished'
  | MismatchReason
  | Unbound['why']
  | 'node-missing'
  | 'node-without-host'
  | AccessReason;

/** The pod may not use the identity; there is no answer yet; or the pod could not use it in mode `rbac`. */
export type AccessReason = 'access-denied' | 'access-unknown' | 'access-warned';

export interface Skip {
  readonly pod: PodView;
  readonly reason: SkipReason;
  /** `namespace/name`, if a binding is concerned. */
  readonly binding?: string;
  readonly identity?: string;
  /** With the reasons of matching, but `shadowed` and `too-many-bindings`. */
  readonly unbound?: Unbound;
  /** With `node-without-host`, `access-denied` and `access-warned`. */
  readonly detail?: string;
  /** With `access-denied` and `access-warned`: the missing rights and their subject. */
  readonly access?: Pick<Barred, 'subject' | 'targets'>;
  /** With `access-unknown`: the pods of its namespace need more rights than MIC asks about. */
  readonly leftOut?: boolean;
}

/** Changes of one host in Azure (a VM or a scale set). */
export interface AzurePlan {
  readonly host: Host;
  /** Wanted and missing on the host; never quarantined. */
  readonly attach: readonly ResourceId[];
  /** Listed on the host by an update that failed after ARM accepted it: sent again. Absent if none. */
  readonly again?: readonly ResourceId[];
  /** Entries that Azure reports as dead: removed, then attached again. */
  readonly renew: readonly ResourceId[];
  /** Attached by MIC, needed by no pod for the whole grace period, and not protected. */
  readonly detach: readonly ResourceId[];
  /** The host must be read first: not read in this term yet, or the drift period is over. */
  readonly read: boolean;
  /** All ids that live pods need here: apply checks them right before a detach. */
  readonly needed: ReadonlySet<ResourceId>;
  /** When to plan this host again at the latest (end of a grace, quarantine, throttle or drift period). */
  readonly wakeAt?: number;
  /** No ARM call before this time. Steps that need none continue. */
  readonly notBefore?: number;
}

/** All changes for one host, or for the nodes without one (host undefined). */
export interface HostPlan extends Omit<AzurePlan, 'host'> {
  readonly host: Host | undefined;
  readonly steps: readonly AssignmentStep[];
}

export interface PlanRules {
  /** Lower-case client ids that are never detached: those of `--immutable-user-msis` and of the cluster itself. */
  readonly immutableClientIds: ReadonlySet<string>;
  readonly detachGraceMs: number;
  readonly driftPeriodMs: number;
}
