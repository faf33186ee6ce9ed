import type { Clock } from '@pod-identity/kit/core';
import type { Patience } from './await-change.ts';
import type { CallerFinder } from './identify/find-caller.ts';
import type { Granter } from './grant-token.ts';
import { remember } from './remember.ts';
import { createHeaderJudge, type HeaderRules } from './request/headers.ts';
import { parseTokenRequest } from './request/token-request.ts';
import type { Outcome } from './respond/outcome.ts';
import type { InboundRequest } from './wire.ts';

export interface TokenHandlerOptions extends HeaderRules {
  /** Resolves to true once everything that decisions rest on was read; to false at the deadline or when the caller is gone. */
  readonly whenReady: (patience: Patience) => true | Promise<boolean>;
  /** A watch has been silent for too long: rights may have been taken away meanwhile. */
  readonly isOutdated: () => boolean;
  readonly findCaller: CallerFinder;
  readonly grant: Granter;
  readonly clock: Clock;
  /** How long a caller is held for an assignment that is under way. */
  readonly holdMs: number;
}

export type Handler = (request: InboundRequest, query: string) => Promise<Outcome>;

/** Programs ask the same again and again: as many different queries are taken apart only once. */
const queriesKept = 128;

/** A pod asks for a token: parse, identify, then decide and get it. */
export function createTokenHandler(options: TokenHandlerOptions): Handler {
  const { whenReady, isOutdated, findCaller, grant, holdMs } = options;
  const judge = createHeaderJudge(options);
  const parse = remember(parseTokenRequest, queriesKept);

  return async (request, query) => {
    // SDKs probe without the header and take a slow answer for "no metadata service": nothing may come before this.
    const fault = judge(request.headers);
    if (fault) return { kind: 'bad-request', problem: fault };
    if (request.method !== 'GET') return { kind: 'bad-method' };
    const parsed = parse(query);
    if (!parsed.ok) return { kind: 'bad-request', problem: parsed.problem };

    const patience = { deadline: request.receivedAt + holdMs, caller: request };
    if (!(await whenReady(patience))) return { kind: 'starting' };
    if (isOutdated()) return { kind: 'outdated' };
    const caller = await findCaller(request.peer, request.connection, patience);
    switch (caller.kind) {
      case 'pod':
        return grant({ pod: caller.pod, request: parsed.value, patience });
      case 'none':
        return { kind: 'unknown-caller', address: request.peer };
      case 'ambiguous':
        return { kind: 'ambiguous-caller', address: request.peer, pods: caller.pods.map(({ key }) => key) };
      case 'unconfirmed':
        return { kind: 'unconfirmed', pod: caller.pod.key };
    }
  };
}
