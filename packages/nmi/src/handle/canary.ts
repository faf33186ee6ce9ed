import { createHeaderJudge, type HeaderRules } from '../request/headers.ts';
import { challengeIn } from '../request/canary.ts';
import type { InboundRequest } from '../request/wire.ts';
import type { Outcome } from '../respond/outcome.ts';

export interface CanaryHandler {
  handle(request: InboundRequest, query: string): Outcome;
}

/**
 * Says which NMI this is, and from which address it sees the caller. Any pod may ask: the names of its node and of itself are no secrets to
 * it. Asks nobody, so that it is answered at once and without an identity.
 */
export function createCanaryHandler({
  node,
  ...rules
}: HeaderRules & { readonly node: string }): CanaryHandler {
  const { judge } = createHeaderJudge(rules);
  return {
    handle(request, query) {
      const fault = judge(request);
      if (fault) return { kind: 'bad-request', problem: fault };
      if (request.method !== 'GET') return { kind: 'bad-method' };
      const challenge = challengeIn(query);
      return challenge === undefined
        ? { kind: 'bad-request', problem: { why: 'no-challenge', name: 'challenge' } }
        : { kind: 'canary', node, caller: request.peer, challenge };
    },
  };
}
