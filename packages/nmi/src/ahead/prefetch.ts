import type { Tenant } from '@pod-identity/kit/core';
import type { Access } from '../access/types.ts';
import type { BoundIdentity } from '../authorize/types.ts';
import type { PodView } from '../identify/pod-view.ts';
import { keyOf } from '../tokens/memory.ts';
import type { TokenWish } from '../tokens/types.ts';

export interface BoundPod {
  readonly pod: PodView;
  readonly identities: readonly BoundIdentity[];
}

export interface WantedToken {
  readonly wish: TokenWish;
  readonly tenant: Tenant;
  /** What the pod's ServiceAccount must be allowed to use. */
  readonly access: Access | undefined;
}

/** The tokens to request, each once: of ready identities, for these resources and those that the pods name. */
export function wantedTokens(
  bound: readonly BoundPod[],
  resources: readonly string[],
): ReadonlyMap<string, WantedToken> {
  const wanted = new Map<string, WantedToken>();
  for (const { pod, identities } of bound) {
    const own = [...resources, ...(pod.prefetch ?? [])];
    for (const { identity, isReady } of identities)
      for (const resource of isReady ? own : [])
        wanted.set(`${keyOf(identity)} ${resource}${holderOf(identity.access)}`, {
          wish: { subject: identity, resource, bypassCache: false, passThrough: {}, isExpected: true },
          tenant: { namespace: pod.namespace, pod: pod.uid },
          access: identity.access,
        });
  }
  return wanted;
}

/** The right of one ServiceAccount says nothing about another one. */
function holderOf(access: Access | undefined): string {
  return access ? ` ${access.subject.namespace}/${access.subject.name}` : '';
}
