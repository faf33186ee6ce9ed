import { RecentMap } from '@pod-identity/kit/core';
import type { PodView } from '../identify/pod-view.ts';
import type { Selector } from '../request/token-request.ts';
import { deciderFor, type Decider } from './authorize.ts';
import type { AuthorizeRules, ClusterView, Decision, Refused } from './types.ts';

export type Authorizer = ReturnType<typeof createAuthorizer>;

interface Remembered {
  readonly revision: number;
  readonly decideBy: Decider;
  readonly decisions: Map<string, Decision>;
}

/** Selectors come from callers: new selectors of a pod evict only decisions about that pod. */
const decisionsKept = 32;

/**
 * Caches decisions until an input changes: the pod (each change is a new PodView) or any object of the cluster view (each change is a new
 * revision).
 */
export function createAuthorizer(view: ClusterView, rules: AuthorizeRules) {
  const memory = new WeakMap<PodView, Remembered>();

  const recall = (pod: PodView): Remembered => {
    const { revision } = view;
    const known = memory.get(pod);
    if (known?.revision === revision) return known;
    const fresh = {
      revision,
      decideBy: deciderFor(pod, view, rules),
      decisions: new RecentMap<string, Decision>(decisionsKept),
    };
    memory.set(pod, fresh);
    return fresh;
  };

  return {
    /** `refused`: identities that count as not bound for this request. */
    decide(pod: PodView, selector: Selector, refused?: Refused): Decision {
      const { decideBy, decisions } = recall(pod);
      if (refused && refused.size > 0) return decideBy(selector, refused);
      const key = selector.by === 'nothing' ? '' : `${selector.by} ${selector.value}`;
      const known = decisions.get(key);
      if (known) return known;
      const decision = decideBy(selector);
      decisions.set(key, decision);
      return decision;
    },
  };
}
