import type {
  AccessMode,
  AzureIdentity,
  AzureIdentityBinding,
  Mismatch,
  ResourceId,
} from '@pod-identity/crd-types';
import { modeForIdentity } from '@pod-identity/policy';

export interface MatchedIdentity {
  readonly identityKey: string;
  readonly identity: AzureIdentity;
  readonly binding: AzureIdentityBinding;
  readonly meaning: string;
  readonly resourceId?: ResourceId;
}

export interface MatchSet {
  readonly matches: readonly MatchedIdentity[];
  readonly mismatches: readonly Mismatch[];
  /** The ids that a host must carry for such a pod, each once. */
  readonly needs: readonly ResourceId[];
  /** Equal to `needs`, since rights are not reviewed here. */
  readonly grants: readonly ResourceId[];
  /** Keys of the AzureIdentities of `needs`, each once. */
  readonly uses: readonly string[];
  /** Whether bindings of the pod's namespace select it, or have its label: if so, changed bindings of other namespaces need no new message. */
  readonly hasOwn: boolean;
  /** Equal for two sets only if they mean the same to a pod, whatever versions of the objects they have. */
  readonly meaningId: number;
}

const nothing = { matches: [], needs: [], grants: [], uses: [], hasOwn: false };

/** For a pod without the label, in a namespace whose bindings select by the label only. */
export const unmatched: MatchSet = { ...nothing, mismatches: [{ reason: 'no-label' }], meaningId: -1 };

/** For a pod without a ServiceAccount: as `matchPod` returns it, whatever the bindings are. */
export const withoutAccount: MatchSet = { ...nothing, mismatches: [{ reason: 'no-account' }], meaningId: -2 };

/** Whether the right to use it is reviewed: in mode `namespace` that of a federated identity alone. */
export function isReviewed({ identity }: MatchedIdentity, mode: AccessMode): boolean {
  return modeForIdentity(identity, mode) !== 'namespace';
}

/** Whether a pod without the right may not use it: in the modes `namespace` and `warn` that of a federated identity alone. */
export function isEnforced({ identity }: MatchedIdentity, mode: AccessMode): boolean {
  return modeForIdentity(identity, mode) === 'rbac';
}

/** Whether rights are reviewed for such a pod; in the modes `warn` and `rbac` also for one without matches. */
export function hasReviewed({ matches }: MatchSet, mode: AccessMode): boolean {
  return mode !== 'namespace' || matches.some((match) => isReviewed(match, mode));
}
