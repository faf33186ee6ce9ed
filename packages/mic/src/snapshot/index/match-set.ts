import type { AzureIdentity, AzureIdentityBinding, Mismatch, ResourceId } from '@pod-identity/crd-types';

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
  /** What a host must carry for such a pod; each id once. */
  readonly needs: readonly ResourceId[];
  /** The same: nobody else is asked. */
  readonly grants: readonly ResourceId[];
  /** Keys of the AzureIdentities that say so; each once. */
  readonly uses: readonly string[];
}

/** Of a pod without the label, where the label decides. */
export const unmatched: MatchSet = {
  matches: [],
  mismatches: [{ reason: 'no-label' }],
  needs: [],
  grants: [],
  uses: [],
};
