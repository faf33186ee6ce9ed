// Room: tokens that are got before a pod asks for them, and renewed before they expire.
// It must not respond to requests, or widen what a pod may use.
import { aborted, createFairQueue, type Clock } from '@pod-identity/kit/core';
import type { Log } from '@pod-identity/kit/serve';
import type { AccessGuard } from '../access/guard.ts';
import type { BoundIdentity, GrantedIdentity } from '../authorize/types.ts';
import type { Changes } from '../waiting/await-change.ts';
import type { PodView } from '../identify/pod-view.ts';
import { wantedTokens, type WantedToken } from './prefetch.ts';
import type { TokenSource } from '../tokens/source.ts';

export interface TokenKeeperOptions {
  /** The pods of this node. */
  readonly pods: () => Iterable<PodView>;
  readonly identitiesOf: (pod: PodView) => readonly BoundIdentity[];
  readonly changes: Changes;
  readonly tokens: Pick<TokenSource, 'get'>;
  /** Removes the tokens of all other identities. */
  readonly retain: (identities: readonly GrantedIdentity[]) => void;
  readonly access: AccessGuard;
  /** Resources to request tokens for. */
  readonly prefetch: readonly string[];
  readonly clock: Clock;
  readonly log: Pick<Log, 'debug'>;
}

export interface TokenKeeper {
  run(signal: AbortSignal): Promise<void>;
}

/** Changes within this time are handled together. */
const settleMs = 250;
/** Two at a time, each with a pause after it, so that requests of pods come first. */
const fetchesAtATime = 2;
const restMs = 500;
/** How long requests for an identity that the metadata service does not know yet are repeated; other tokens wait meanwhile. */
const patienceMs = 8_000;
/** Further tokens are requested after later changes. */
const wishesKept = { total: 2_048, perNamespace: 512, perPod: 64 };

/** Keeps only tokens that pods of this node may get, and requests the wanted ones ahead of time. */
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
      let isDue = false;
      const stop = changes.subscribe(() => {
        if (isDue) return;
        isDue = true;
        clock.after(settleMs, () => {
          isDue = false;
          if (!signal.aborted) tend(signal);
        });
      });
      await aborted(signal);
      stop();
    },
  };
}

/** Requests each wanted token once; namespaces take turns. */
function createFetcher(options: TokenKeeperOptions) {
  const waiting = createFairQueue<Job>(wishesKept);
  const asked = new Map<string, Job>();
  let running = 0;

  const fetch = async ({ name, wanted }: Job, signal: AbortSignal) => {
    if (signal.aborted) return;
    if (await mayHave(wanted, options.access)) await request(wanted, options);
    else asked.delete(name);
    await options.clock.sleep(restMs, signal).catch(() => undefined);
  };

  const goOn = (signal: AbortSignal) => {
    for (let job = nextOf(); job; job = nextOf()) {
      running += 1;
      void fetch(job, signal).finally(() => {
        running -= 1;
        goOn(signal);
      });
    }
  };
  const nextOf = () => (running < fetchesAtATime ? waiting.next() : undefined);

  const add = (name: string, wanted: WantedToken) => {
    const job = { name, wanted };
    const added = waiting.add(wanted.tenant, job);
    if (added.kind === 'full') return;
    asked.set(name, job);
    // It is added again at the next change.
    if (added.displaced) asked.delete(added.displaced.name);
  };

  return {
    want(wanted: ReadonlyMap<string, WantedToken>, signal: AbortSignal) {
      for (const [name, job] of asked) {
        if (wanted.has(name)) continue;
        asked.delete(name);
        waiting.remove(job);
      }
      for (const [name, one] of wanted) if (!asked.has(name)) add(name, one);
      goOn(signal);
    },
  };
}

interface Job {
  readonly name: string;
  readonly wanted: WantedToken;
}

async function request({ wish, tenant }: WantedToken, { tokens, clock, log }: TokenKeeperOptions) {
  // Failures are only logged: a pod that requests the token gets its own error.
  const asker = { tenant, admit: () => 0, deadline: clock.now() + patienceMs };
  await tokens.get(wish, asker).catch((error: unknown) => {
    log.debug({ resource: wish.resource, error: String(error) }, 'no token could be had ahead of time');
  });
}

async function mayHave({ access, tenant }: WantedToken, guard: AccessGuard): Promise<boolean> {
  return access === undefined || (await guard.ask(access, tenant)).verdict === 'allowed';
}
