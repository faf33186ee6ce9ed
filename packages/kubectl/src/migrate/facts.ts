// What the plans are made of: what was read of the cluster, as values.
import {
  parseIdentityResourceId,
  type AccessSubject,
  type AccessTarget,
  type AzureIdentity,
  type IdentityType,
} from '@pod-identity/crd-types';
import { preferredDescription, type Described } from '@pod-identity/policy';
import { keyOf, type ObjectName } from '../cluster/fields.ts';
import type { TemporaryObjects } from './temporary-identity.ts';
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

/** An AzureIdentity that bindings give a pod. */
export interface UsedIdentity {
  /** `namespace/name`. */
  readonly key: string;
  readonly type: IdentityType;
  /** In lower case; empty if it is not stated. */
  readonly clientId: string;
  /** Canonical; empty if there is none. */
  readonly resourceId: string;
  readonly isGuest: boolean;
}

/** A live pod and all its identities. */
export interface BoundPod {
  /** `namespace/name`. */
  readonly key: string;
  readonly account: AccessSubject;
  /** Whether rights decide for its namespace, also about identities of type 0. */
  readonly isRbac: boolean;
  /** Whether it is on a node. */
  readonly isPlaced: boolean;
  readonly identities: readonly UsedIdentity[];
}

export interface BrokerFacts extends ObjectName {
  readonly isReady: boolean;
  readonly account: string;
  readonly audience: string;
}

export interface ServiceFacts {
  readonly broker: BrokerFacts | undefined;
  /** NMIs without `--broker`, as `namespace/name`, and those of the original. */
  readonly agentsWithoutBroker: readonly string[];
  readonly hasAgent: boolean;
  /** Whether a MIC of this project is ready. */
  readonly hasMic: boolean;
  /** What may not be read, in words. */
  readonly unknown: readonly string[];
}

/** Which ServiceAccounts lack the right on a target. */
export interface ReviewedRights {
  readonly target: AccessTarget;
  readonly refused: readonly AccessSubject[];
  /** Of whom it is not known, with the reason. */
  readonly unknown: readonly string[];
}

/** Who uses an AzureIdentity now. */
export interface IdentityUsers {
  readonly pods: readonly BoundPod[];
  /** Whose pods are bound to it, and get no token, since they lack the right. */
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
  readonly temporary: TemporaryObjects;
}

export interface AttachedFacts extends TypeChangeFacts {
  /** The pods whose machine has the identity as one of type 0, as MIC has recorded: by this AzureIdentity, and by the temporary one. */
  readonly assigned: { readonly own: ReadonlySet<string>; readonly temporary: ReadonlySet<string> };
}

/** Of the API server, from `/.well-known/openid-configuration`; undefined if it may not be read. */
export type Issuer = string | undefined;

export const accountsOf = (pods: readonly BoundPod[]): readonly AccessSubject[] => [
  ...new Map(pods.map(({ account }) => [keyOf(account), account])).values(),
];

/** An identity of the pod that NMI takes for the same one now, and for another one when this is of type 3. */
export function rivalOf(key: string, { identities }: BoundPod): string | undefined {
  const own = identities.find((one) => one.key === key);
  if (own === undefined || own.isGuest) return undefined;
  const isRival = (other: UsedIdentity) => {
    const changed = { ...own, type: 3, clientId: own.clientId || other.clientId } as const;
    return (
      preferredDescription([own, other].map(describe)) !== undefined &&
      !preferredDescription([changed, other].map(describe))
    );
  };
  return identities.find((other) => other !== own && !other.isGuest && isRival(other))?.key;
}

function describe({ key, type, clientId, resourceId }: UsedIdentity): Described {
  const id = parseIdentityResourceId(resourceId);
  return {
    identity: { metadata: { namespace: key.slice(0, key.indexOf('/')) }, spec: { type } },
    clientId,
    resourceId: id.ok ? id.value : undefined,
  };
}
