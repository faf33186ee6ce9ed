import type { Clock } from '@pod-identity/kit/core';
import { andThen } from './and-then.ts';
import type { Patience } from '../waiting/await-change.ts';
import type { CallerAnswer } from '../identify/answers.ts';
import type { CallerFinder } from '../identify/find-caller.ts';
import type { PodView } from '../identify/pod-view.ts';
import type { Granter } from './grant.ts';
import { remember } from './remember.ts';
import { createHeaderJudge, type HeaderRules } from '../request/headers.ts';
import { parseTokenRequest, type TokenRequest } from '../request/token-request.ts';
import type { Outcome } from '../respond/outcome.ts';
import type { InboundRequest } from '../request/wire.ts';

export interface TokenHandlerOptions extends HeaderRules {
  /** Resolves to true once everything that decisions rest on was read; to false at the deadline or when the caller is gone. */
  readonly whenReady: (patience: Patience) => true | Promise<boolean>;
  /** A watch has been silent for too long: rights may have been taken away meanwhile. */
  readonly isOutdated: () => boolean;
  readonly findCaller: CallerFinder;
  /** The uid of the pod that is known to have an address, out of memory. */
  readonly uidAt: (address: string) => string | undefined;
  readonly grant: Granter;
  readonly clock: Clock;
  /** How long a caller is held for an assignment that is under way. */
  readonly holdMs: number;
}

/** At once where nothing has to be waited for. */
export type Handler = (request: InboundRequest, query: string) => Outcome | Promise<Outcome>;

/** A request that is well formed. */
interface Call {
  readonly inbound: InboundRequest;
  readonly request: TokenRequest;
  readonly patience: Patience;
}

/** Programs ask the same again and again: as many different queries are taken apart only once. */
const queriesKept = 128;

/** A pod asks for a token: parse, identify, then decide and get it. */
export function createTokenHandler(options: TokenHandlerOptions): Handler {
  const { whenReady, isOutdated, findCaller, uidAt, grant, holdMs } = options;
  const judge = createHeaderJudge(options);
  const parse = remember(parseTokenRequest, queriesKept);

  const grantTo = (pod: PodView, { inbound, request, patience }: Call): Outcome | Promise<Outcome> => {
    const granted = grant({ pod, request, patience });
    return granted instanceof Promise ? unlessMoved(granted, pod, () => uidAt(inbound.peer)) : granted;
  };
  const answer = (caller: CallerAnswer, call: Call): Outcome | Promise<Outcome> => {
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
  const identify = (isReady: boolean, call: Call): Outcome | Promise<Outcome> => {
    if (!isReady) return { kind: 'starting' };
    if (isOutdated()) return { kind: 'outdated' };
    const { inbound, patience } = call;
    const caller = findCaller(inbound.peer, inbound.connection, patience);
    return andThen(caller, (found) => answer(found, call));
  };

  return (inbound, query) => {
    // SDKs probe without the header and take a slow answer for "no metadata service": nothing may come before this.
    const fault = judge(inbound);
    if (fault) return { kind: 'bad-request', problem: fault };
    if (inbound.method !== 'GET') return { kind: 'bad-method' };
    const parsed = parse(query);
    if (!parsed.ok) return { kind: 'bad-request', problem: parsed.problem };

    const patience = { deadline: inbound.receivedAt + holdMs, caller: inbound };
    const call = { inbound, request: parsed.value, patience };
    return andThen(whenReady(patience), (isReady) => identify(isReady, call));
  };
}

/**
 * While a caller waits, its address may go to another pod: then no token leaves. Memory tells of that only by a change: where it
 * names another pod before and after the wait alike, the caller was found by a newer answer of the API server.
 */
async function unlessMoved(
  granted: Promise<Outcome>,
  { uid, key }: PodView,
  holder: () => string | undefined,
): Promise<Outcome> {
  const before = holder();
  const outcome = await granted;
  const now = holder();
  if (outcome.kind !== 'token' || now === uid || now === before) return outcome;
  return { kind: 'unconfirmed', pod: key };
}
