// Room: one request from its parsed form to an outcome: identify, authorize, get the token.
// It must not read a socket, or choose a status or text.
import type { CallerResult } from '../identify/results.ts';
import type { CallerFinder } from '../identify/find-caller.ts';
import type { PodView } from '../identify/pod-view.ts';
import { createHeaderJudge, type HeaderRules } from '../request/headers.ts';
import type { Outcome } from '../respond/outcome.ts';
import { andThen } from './and-then.ts';
import type { Granter } from './grant.ts';
import {
  createTokenPipeline,
  type Handler,
  type TokenCall,
  type TokenPipelineOptions,
} from './token-pipeline.ts';

export interface TokenHandlerOptions extends HeaderRules, TokenPipelineOptions {
  readonly callers: CallerFinder;
  /** The uid of the pod that has an address, by memory. */
  readonly uidAt: (address: string) => string | undefined;
  /** Whether the kernel shows that none of the pod's containers runs. */
  readonly hasStopped: (pod: PodView) => boolean;
  readonly granter: Granter;
}

/** A pod requests a token. It is identified by the address that it calls from. */
export function createTokenHandler(options: TokenHandlerOptions): Handler {
  const { callers, uidAt, hasStopped, granter } = options;

  const grantTo = (pod: PodView, { inbound, request, patience }: TokenCall): Outcome | Promise<Outcome> => {
    const granted = granter.grant({ pod, request, patience });
    if (!(granted instanceof Promise)) return granted;
    const checked = granted.then((outcome) => (hasStopped(pod) ? unlessToken(outcome, pod) : outcome));
    return unlessMoved(checked, pod, () => uidAt(inbound.peer));
  };
  const response = (caller: CallerResult, call: TokenCall): Outcome | Promise<Outcome> => {
    const { inbound } = call;
    switch (caller.kind) {
      case 'pod':
        return grantTo(caller.pod, call);
      case 'none':
        return { kind: 'unknown-caller', address: inbound.peer };
      case 'ambiguous':
        return { kind: 'ambiguous-caller', address: inbound.peer, pods: caller.pods.map(({ key }) => key) };
      case 'unconfirmed':
        return { kind: 'unconfirmed', pod: caller.pod.key };
    }
  };

  return createTokenPipeline(options, {
    judge: createHeaderJudge(options),
    serve(call) {
      const { inbound, patience } = call;
      const caller = callers.find(inbound.peer, inbound.connection, patience);
      return andThen(caller, (found) => response(found, call));
    },
  });
}

const unlessToken = (outcome: Outcome, { key }: PodView): Outcome =>
  outcome.kind === 'token' ? { kind: 'unconfirmed', pod: key } : outcome;

/**
 * While a caller waits, its address may be given to another pod: then no token is returned. This is so only if memory has changed during the
 * wait: if it named another pod before too, the API server's response, by which the caller was identified, is newer than memory.
 */
async function unlessMoved(
  granted: Promise<Outcome>,
  pod: PodView,
  holder: () => string | undefined,
): Promise<Outcome> {
  const holderBefore = holder();
  const outcome = await granted;
  const holderNow = holder();
  return holderNow === pod.uid || holderNow === holderBefore ? outcome : unlessToken(outcome, pod);
}
