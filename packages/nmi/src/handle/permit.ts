import type { Tenant } from '@pod-identity/kit/core';
import type { Access } from '../access/types.ts';
import type { Decision, GrantedIdentity } from '../authorize/types.ts';
import type { PodView } from '../identify/pod-view.ts';
import type { TokenRequest } from '../request/token-request.ts';
import type { TokenSubject } from '../tokens/types.ts';
import type { Patience } from '../waiting/await-change.ts';

export interface GrantQuestion {
  readonly pod: PodView;
  readonly request: TokenRequest;
  readonly patience: Patience;
}

export interface ReviewedQuestion extends GrantQuestion {
  /** When rights that are not known yet count as not known, by the clock. */
  readonly reviewsUntil: number;
}

/** What the pod may have, by its bindings or its exceptions. */
export interface Permit {
  readonly subject: TokenSubject;
  /** What its ServiceAccount must be allowed to use besides; undefined: nothing. */
  readonly access: Access | undefined;
  /** The client ids that the token may have; undefined: any. */
  readonly clientIds?: ReadonlySet<string> | undefined;
}

type PassThrough = Extract<Decision, { readonly kind: 'pass-through' }>;

export function permitFor(identity: GrantedIdentity): Permit & { readonly subject: GrantedIdentity } {
  return { subject: identity, access: identity.access };
}

/** What an exempt pod asks the machine for. */
export function machinePermit({ selector, clientIds, access }: PassThrough): Permit {
  return { subject: { kind: 'machine', ...selector }, access, clientIds };
}

/** What a token may leave by, also one from the cache. */
export function permitsOf(decision: Decision): readonly Permit[] {
  switch (decision.kind) {
    case 'allow':
      return [permitFor(decision.identity)];
    case 'allow-by-object-id':
      return decision.identities.map(permitFor);
    case 'pass-through':
      return [machinePermit(decision)];
    case 'deny':
    case 'unusable':
      return [];
  }
}

export function tenantOf({ namespace, uid }: PodView): Tenant {
  return { namespace, pod: uid };
}
