// What the plans are made of: what was read of the cluster, as values.
import type { AccessSubject, AccessTarget, AzureIdentity } from '@pod-identity/crd-types';
import { keyOf, type ObjectName } from '../cluster/fields.ts';
import type { Target } from './writes.ts';

/** An AzureIdentity that is to be changed. */
export interface StoredIdentity {
  readonly target: Target;
  /** As it is stored. */
  readonly object: unknown;
  readonly identity: AzureIdentity | { readonly problems: readonly string[] };
  /** It has the field names of 2018: a patch would write a second spelling beside them. */
  readonly isOfOldSpelling: boolean;
  /** Only who has the right on its status can write it. With the original's definition, whoever may write the object can. */
  readonly isStatusOfMic: boolean;
}

/** A live pod and its AzureIdentities. */
export interface BoundPod {
  readonly key: string;
  readonly account: AccessSubject;
  /** Whether rights decide for its namespace, also about identities of type 0. */
  readonly isRbac: boolean;
  /** Whether it is on a node. */
  readonly isPlaced: boolean;
  /** `resourceId`: canonical; empty if there is none. */
  readonly identities: readonly { readonly key: string; readonly resourceId: string }[];
}

export interface BrokerFacts extends ObjectName {
  readonly isReady: boolean;
  readonly account: string;
  readonly audience: string;
}

export interface ServiceFacts {
  readonly broker: BrokerFacts | undefined;
  /** NMIs without `--broker`, and those of the original. */
  readonly agentsWithoutBroker: readonly string[];
  readonly hasAgent: boolean;
  /** Whether a MIC of this project is ready. */
  readonly hasMic: boolean;
  readonly unknown: readonly string[];
}

/** Which ServiceAccounts lack the right on a target. */
export interface ReviewedRights {
  readonly target: AccessTarget;
  readonly refused: readonly AccessSubject[];
  /** Of whom it is not known, with the reason. */
  readonly unknown: readonly string[];
}

/** What both ways of an AzureIdentity between type 0 and type 3 are planned of. */
export interface TypeChangeFacts {
  readonly identity: StoredIdentity;
  readonly services: ServiceFacts;
  /** All that use the identity and may. */
  readonly pods: readonly BoundPod[];
  /** On what it becomes; undefined if that is not known, or nobody needs it. */
  readonly rights: ReviewedRights | undefined;
}

export const accountsOf = (pods: readonly BoundPod[]): readonly AccessSubject[] => [
  ...new Map(pods.map(({ account }) => [keyOf(account), account])).values(),
];

/** Empty if the object is not valid. */
export const specOf = ({ identity }: StoredIdentity): Partial<AzureIdentity['spec']> =>
  'problems' in identity ? {} : identity.spec;
