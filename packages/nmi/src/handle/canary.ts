import { isNodeItself } from '@pod-identity/kit/core';
import { createHeaderJudge, type HeaderRules } from '../request/headers.ts';
import { challengeIn } from '../request/canary.ts';
import type { InboundRequest } from '../request/wire.ts';
import type { Outcome } from '../respond/outcome.ts';

export interface CanaryHandler {
  handle(request: InboundRequest, query: string): Outcome;
}

interface CanaryOptions extends HeaderRules {
  readonly node: string;
  /** Whether a pod of this node is known by the address. */
  readonly isOwnPod: (address: string) => boolean;
}

/**
 * Says which NMI this is, and from which address it sees the caller. The name of the node is told to its pods and to the node itself;
 * others get an empty one. Asks nobody, so that it is answered at once and without an identity.
 */
export function createCanaryHandler({ node, isOwnPod, ...rules }: CanaryOptions): CanaryHandler {
  const judge = createHeaderJudge(rules);
  const nodeFor = (peer: string) => (isNodeItself(peer) || isOwnPod(peer) ? node : '');
  return {
    handle(request, query) {
      const fault = judge(request);
      if (fault) return { kind: 'bad-request', problem: fault };
      if (request.method !== 'GET') return { kind: 'bad-method' };
      const challenge = challengeIn(query);
      return challenge === undefined
        ? { kind: 'bad-request', problem: { why: 'no-challenge', name: 'challenge' } }
        : { kind: 'canary', node: nodeFor(request.peer), caller: request.peer, challenge };
    },
  };
}
