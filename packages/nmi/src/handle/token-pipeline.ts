import { parseTokenRequest, type BadRequest, type TokenRequest } from '../request/token-request.ts';
import type { InboundRequest } from '../request/wire.ts';
import type { Outcome } from '../respond/outcome.ts';
import type { Patience } from '../waiting/await-change.ts';
import { andThen } from './and-then.ts';
import { memoize } from './memoize.ts';

export interface Handler {
  /** Returns a promise only if the request has to wait. */
  handle(request: InboundRequest, query: string): Outcome | Promise<Outcome>;
}

export interface TokenPipelineOptions {
  /** True when all objects that decisions need were read; false at the deadline, or when the caller leaves. */
  readonly whenReady: (patience: Patience) => true | Promise<boolean>;
  /** A watch has been silent for too long: rights may have been revoked since then. */
  readonly isOutdated: () => boolean;
  /** How long a request may wait for NMI's start, for its pod and for its identity. A review of rights that has begun may take longer. */
  readonly holdMs: number;
}

/** A well-formed request. */
export interface TokenCall {
  readonly inbound: InboundRequest;
  readonly request: TokenRequest;
  readonly patience: Patience;
}

/** The steps in which the two paths to a token differ. */
export interface TokenSteps {
  /** What is wrong with the origin of the request, or with its headers. */
  judge(inbound: InboundRequest): BadRequest | undefined;
  /** Finds the pod and gets its token. */
  serve(call: TokenCall): Outcome | Promise<Outcome>;
}

/** Programs repeat the same queries: this many are parsed once. */
const queriesKept = 128;

/** Checks headers, method and query in this order, waits until the agent is ready, then serves. */
export function createTokenPipeline(options: TokenPipelineOptions, steps: TokenSteps): Handler {
  const { whenReady, isOutdated, holdMs } = options;
  const parse = memoize(parseTokenRequest, queriesKept);

  const serve = (isReady: boolean, call: TokenCall): Outcome | Promise<Outcome> => {
    if (!isReady) return { kind: 'starting' };
    if (isOutdated()) return { kind: 'outdated' };
    const served = steps.serve(call);
    return served instanceof Promise ? served.then(unlessOutdated) : served;
  };
  /** The watches may have become silent while the request waited. */
  const unlessOutdated = (outcome: Outcome): Outcome =>
    (outcome.kind === 'token' || outcome.kind === 'host-token') && isOutdated()
      ? { kind: 'outdated' }
      : outcome;

  return {
    handle(inbound, query) {
      // First: SDKs probe without the header, and take a slow answer for "no metadata service".
      const fault = steps.judge(inbound);
      if (fault) return { kind: 'bad-request', problem: fault };
      if (inbound.method !== 'GET') return { kind: 'bad-method' };
      const parsed = parse(query);
      if (!parsed.ok) return { kind: 'bad-request', problem: parsed.problem };

      const patience = { deadline: inbound.receivedAt + holdMs, caller: inbound };
      const call = { inbound, request: parsed.value, patience };
      return andThen(whenReady(patience), (isReady) => serve(isReady, call));
    },
  };
}
