// Room: `doctor`: what is misconfigured in a cluster, each finding with its remedy, by checks of what was read once.
// It must not write to the cluster, or put into a command what an editor of a namespace can write but for names of objects.
import type { ResourceId } from '@pod-identity/crd-types';
import type { Finding } from '@pod-identity/policy';
import type { NeededRight } from '../cluster/account-right.ts';
import type { ObjectName } from '../cluster/fields.ts';
import type { Known, Listed } from '../cluster/lists.ts';
import type { NodeFacts } from '../cluster/node.ts';
import type { Services } from '../cluster/services.ts';
import type { Role } from '../cluster/workload.ts';
import type { Explanation, Permission } from '../../../mic/src/commands/plug-in.ts';
import type { AgentCounts } from './agent-counts.ts';

export interface Definition {
  /** `azureidentities.aadpodidentity.k8s.io`. */
  readonly name: string;
  readonly keepsUnknownFields: boolean;
  /** Of the version v1; undefined if it is not served. */
  readonly schema: unknown;
}

export interface Account extends ObjectName {
  readonly service: Role;
}

export interface ReviewedRight {
  readonly account: Account;
  readonly right: NeededRight;
  /** Undefined: not known. */
  readonly isAllowed: boolean | undefined;
}

export interface PodFacts extends ObjectName {
  readonly labels: Readonly<Record<string, string>>;
  readonly nodeName: string;
  readonly isFinished: boolean;
  readonly isReady: boolean;
  /** The DaemonSet or other owner, as KIND/NAME. */
  readonly owner: string;
  /** Why the kubelet or NMI says that it is not ready. */
  readonly notReady: string;
}

export interface LeaseFacts extends ObjectName {
  readonly renewedAt: number;
}

export interface IdentityFacts extends ObjectName {
  readonly type: number;
  readonly resourceId: string;
  readonly clientId: string;
  readonly tenantId: string;
  /** The reason of its condition Ready, if that is False. */
  readonly refusal: string;
}

/** Of the object that the Event is about. */
export interface EventFacts extends ObjectName {
  readonly reason: string;
  readonly kind: string;
  readonly lastAt: number;
}

export interface AzureIdentityFacts {
  readonly id: ResourceId;
  readonly clientId: string;
}

export interface FederatedCredential {
  readonly issuer: string;
  readonly subject: string;
  readonly audiences: readonly string[];
}

/** What Azure says to the user's `az`. */
export interface AzureFacts {
  readonly identities: readonly AzureIdentityFacts[];
  /** The subscriptions of which az has listed the identities; '' is that of the login. */
  readonly listed: ReadonlySet<string>;
  /** Of identities whose credential a pod has missed. */
  readonly credentials: ReadonlyMap<ResourceId, readonly FederatedCredential[]>;
  /** Of MIC; absent if they are not known. */
  readonly roles?: {
    readonly principalId: string;
    /** The subscriptions of which az has listed the assignments: of others nothing is known. */
    readonly listed: ReadonlySet<string>;
    readonly assignments: readonly {
      readonly scope: ResourceId;
      readonly permissions: readonly Permission[];
    }[];
  };
  /** What it does not say, in words. */
  readonly unknown: readonly string[];
}

/** Of one pod of NMI. */
export interface AgentMetrics {
  readonly pod: Pick<PodFacts, 'namespace' | 'name' | 'nodeName'>;
  /** Since it started. */
  readonly counts: AgentCounts;
  /** Within the last seconds. */
  readonly lately: AgentCounts;
}

/** All that the checks decide by. */
export interface DoctorFacts {
  /** By the clock of this machine. */
  readonly now: number;
  /** By the clock of the API server; undefined if its responses have no date. */
  readonly serverNow: number | undefined;
  readonly services: Services;
  readonly definitions: Listed<Definition>;
  readonly rights: readonly ReviewedRight[];
  readonly nodes: Listed<NodeFacts>;
  readonly pods: Listed<PodFacts>;
  readonly leases: Listed<LeaseFacts>;
  readonly identities: Listed<IdentityFacts>;
  readonly events: Listed<EventFacts>;
  readonly explained: Known<readonly Explanation[]>;
  /** `notes`: of which pods they were not read, in words. */
  readonly metrics: { readonly agents: readonly AgentMetrics[]; readonly notes: readonly string[] };
  /** Who renews the lock of the original's MIC, as a message. */
  readonly originalRuns: string | undefined;
  /** Issuer of the cluster's ServiceAccount tokens. */
  readonly issuer: Known<string>;
  /** Only with `--azure`. */
  readonly azure?: AzureFacts;
}

/** What a check found. `unknown`: what it could not see, one line for each. */
export interface CheckResult {
  readonly findings: readonly ObjectFinding[];
  readonly unknown: readonly string[];
}

export interface ObjectFinding {
  /** What it is about, as KIND/NAMESPACE/NAME or KIND/NAME. */
  readonly object: string;
  readonly finding: Finding;
}

export interface Check {
  readonly id: string;
  /** What is right if it finds nothing: a sentence. */
  readonly holds: string;
  /** It finds nothing where MIC and NMI are not seen. */
  readonly isAboutServices?: boolean;
  /** It is made with `--azure` only. */
  readonly isOfAzure?: boolean;
  readonly run: (facts: DoctorFacts) => CheckResult;
}

export const found = (object: string, finding: Finding): ObjectFinding => ({ object, finding });
