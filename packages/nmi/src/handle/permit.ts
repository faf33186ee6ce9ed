import type { Clock, Tenant } from '@pod-identity/kit/core';
import type { AccessGuard } from '../access/guard.ts';
import type { Access } from '../access/types.ts';
import type { Authorizer } from '../authorize/authorizer.ts';
import type { Needed } from '../authorize/missing-right.ts';
import type { Decision, GrantedIdentity, OfMachine, Refused } from '../authorize/types.ts';
import type { PodView } from '../identify/pod-view.ts';
import type { TokenRequest } from '../request/token-request.ts';
import type { TokenSource } from '../tokens/source.ts';
import type { TokenSubject } from '../tokens/types.ts';
import type { Changes, Patience } from '../waiting/await-change.ts';
import type { CallerLimits } from '../waiting/caller-limits.ts';
import type { LatestPod } from './follow-pod.ts';

/** What it takes to give a pod a token: who decides, who reviews, who has tokens, and how long a request waits. */
export interface GrantPorts {
  readonly authorizer: Authorizer;
  readonly access: AccessGuard;
  readonly tokens: TokenSource;
  readonly limits: CallerLimits;
  readonly changes: Changes;
  /** How long after its start a pod waits for missing objects and rights. */
  readonly bindingGraceMs: number;
  readonly clock: Clock;
  readonly latest: LatestPod;
  /** Called once for each request that has waited for an object, a right or its identity. */
  readonly onWaited: (ms: number) => void;
}

export interface PodCall {
  readonly pod: PodView;
  readonly request: TokenRequest;
  readonly patience: Patience;
}

/** A request that may have to wait. */
export interface WaitingCall extends PodCall {
  /** The pod now; undefined: it is gone. */
  readonly current: () => PodView | undefined;
  /** Until when it waits for a missing object or right. */
  readonly missingUntil: number;
}

export interface ReviewedCall extends WaitingCall {
  /** From then on, by the clock, the request does not wait for reviews: a right that is not known is its outcome. */
  readonly reviewsUntil: number;
}

export interface DecidedCall extends ReviewedCall {
  /** What counts as not bound. */
  readonly refused: Refused;
}

/** What the pod may have, by its bindings or its exceptions. */
export interface Permit {
  readonly subject: TokenSubject;
  /** What its ServiceAccount must be allowed to use besides; undefined: nothing. */
  readonly access: Access | undefined;
  /** The client ids that the token may have; undefined: any. */
  readonly clientIds?: ReadonlySet<string> | undefined;
}

export function permitFor(identity: GrantedIdentity): Permit & { readonly subject: GrantedIdentity } {
  return { subject: identity, access: identity.access };
}

/** What an exempt pod asks the machine for. */
export function machinePermit({ selector, clientIds, access }: OfMachine): Permit {
  return { subject: { kind: 'machine', ...selector }, access, clientIds };
}

/** `namespace/name` of the AzureIdentity; '' for the machine. */
export function nameOf({ subject }: Permit): string {
  return subject.kind === 'machine' ? '' : subject.name;
}

export function rightOf(permit: Permit): Needed {
  return { identity: nameOf(permit), access: permit.access };
}

/** The permits by which a token may be returned, also one from the cache. */
export function permitsOf(decision: Decision): readonly Permit[] {
  switch (decision.kind) {
    case 'allow':
      return [permitFor(decision.identity)];
    case 'allow-by-object-id':
      return decision.identities.map(permitFor);
    case 'machine':
      return [machinePermit(decision)];
    case 'deny':
    case 'unusable':
      return [];
  }
}

const names = new WeakMap<Decision, string>();

/** Equal for decisions that name the same identities and rights, or the same reason. Cached, since all waiting requests of a pod ask. */
export function keyOfDecision(decision: Decision): string {
  const known = names.get(decision);
  if (known !== undefined) return known;
  const { denial, mayCome, among } = decision.kind === 'deny' ? decision : {};
  const named = JSON.stringify([permitsOf(decision), among, denial, mayCome]);
  names.set(decision, named);
  return named;
}

export function tenantOf({ namespace, uid }: PodView): Tenant {
  return { namespace, pod: uid };
}
