import { createLimit, type Clock } from '@pod-identity/kit/core';
import type { Log } from '@pod-identity/kit/serve';
import type { BoundIdentity, GrantedIdentity } from './authorize/types.ts';
import type { Changes } from './await-change.ts';
import type { PodView } from './identify/pod-view.ts';
import { wantedTokens } from './prefetch.ts';
import type { TokenSource } from './tokens/token-source.ts';
import type { TokenWish } from './tokens/types.ts';

export interface TokenKeeperOptions {
  /** The pods of this node. */
  readonly pods: () => Iterable<PodView>;
  readonly identitiesOf: (pod: PodView) => readonly BoundIdentity[];
  /** Of anything that decisions rest on. */
  readonly changes: Changes;
  readonly tokens: Pick<TokenSource, 'get'>;
  /** Forgets the tokens of all identities but these. */
  readonly retain: (identities: readonly GrantedIdentity[]) => void;
  /** Resources to have tokens ready for. */
  readonly prefetch: readonly string[];
  readonly clock: Clock;
  readonly log: Pick<Log, 'debug'>;
}

export interface TokenKeeper {
  /** Until the signal aborts. */
  run(signal: AbortSignal): Promise<void>;
}

/** Changes of a moment are looked at together. */
const settleMs = 250;
/** Tokens that nobody waits for: two at a time, each with a rest after it. Those that pods ask for find the way free. */
const fetchesAtATime = 2;
const restMs = 500;

/** Keeps in memory what pods of this node may ask for, and nothing else; gets ahead of them where that is wanted. */
export function createTokenKeeper(options: TokenKeeperOptions): TokenKeeper {
  const { pods, identitiesOf, changes, retain, prefetch, clock } = options;
  const fetcher = createFetcher(options);

  const tend = (signal: AbortSignal) => {
    const known = [...pods()].map((pod) => ({ pod, identities: identitiesOf(pod) }));
    retain(known.flatMap(({ identities }) => identities.map(({ identity }) => identity)));
    fetcher.want(wantedTokens(known, prefetch), signal);
  };

  return {
    async run(signal) {
      const { promise, resolve } = Promise.withResolvers<undefined>();
      let isDue = false;
      const stop = changes(() => {
        if (isDue) return;
        isDue = true;
        clock.after(settleMs, () => {
          isDue = false;
          if (!signal.aborted) tend(signal);
        });
      });
      signal.addEventListener('abort', () => resolve(undefined), { once: true });
      if (signal.aborted) resolve(undefined);
      await promise;
      stop();
    },
  };
}

/** Asks once for each identity and resource, for as long as they are wanted. */
function createFetcher({ tokens, clock, log }: TokenKeeperOptions) {
  const inTurn = createLimit(fetchesAtATime);
  let asked: ReadonlySet<string> = new Set();

  const fetch = async (wish: TokenWish, signal: AbortSignal) => {
    if (signal.aborted) return;
    // The pod that asks for it is told why it fails; nobody else is concerned.
    await tokens
      .get(wish, () => 0)
      .catch((error: unknown) => {
        log.debug({ resource: wish.resource, error: String(error) }, 'no token could be had ahead of time');
      });
    await clock.sleep(restMs, signal).catch(() => undefined);
  };

  return {
    want(wanted: ReadonlyMap<string, TokenWish>, signal: AbortSignal) {
      for (const [name, wish] of wanted) if (!asked.has(name)) void inTurn(() => fetch(wish, signal));
      asked = new Set(wanted.keys());
    },
  };
}
