import type { Ambient } from '../serve/ambient.ts';
import { asKubeError } from './errors.ts';
import { createLeaseLock, type LeaseLock, type LeaseLockOptions } from './lease-lock.ts';
import { createTerm, type LeaderTerm, type Term } from './lease-term.ts';

export type { LeaderTerm };

export interface ElectorOptions extends LeaseLockOptions, Pick<Ambient, 'random' | 'log'> {
  /** How often the leader renews; a third of the duration leaves time for two more tries. */
  readonly renewMs: number;
  /** How often a candidate tries, and a leader retries after a failed renewal. */
  readonly retryMs: number;
}

/** Random extension of a candidate's pauses, so that candidates do not synchronize. */
const retryJitter = 0.2;
/** A claim on a dead connection must leave time for another one. */
const claimTimeoutShare = 1 / 4;
const releaseTimeoutMs = 5000;

/** Elects one leader among all processes that name the same Lease and have different identities. */
export function createElector(options: ElectorOptions) {
  const { clock, retryMs, random } = options;
  const lock = createLeaseLock(options);
  let term: Term | undefined;
  return {
    /**
     * Stands for election until the signal aborts, and calls `lead` for each term won. After the abort the lease is renewed until `lead` has
     * settled, and then released. Rejects only if `lead` rejects in a term that was not ending.
     */
    async run(signal: AbortSignal, lead: (term: LeaderTerm) => Promise<void>): Promise<void> {
      while (!signal.aborted) {
        term = await stand(options, lock, signal);
        if (term) await serve(term, { options, lock, signal, lead });
        // Also after a term, so that others can win, and a `lead` that returns at once causes no busy loop.
        await clock.sleep(retryMs * (1 + retryJitter * random()), signal).catch(() => undefined);
      }
    },
    isLeader: () => term?.holds() ?? false,
    /** The holder last read from the Lease. */
    leader: () => lock.holder,
  };
}

async function stand(
  options: ElectorOptions,
  lock: LeaseLock,
  signal: AbortSignal,
): Promise<Term | undefined> {
  const { clock, durationMs, log, name } = options;
  try {
    const until = await lock.claim({ timeoutMs: durationMs * claimTimeoutShare, signal });
    // The response may have taken longer than the lease lasts.
    return until === undefined || until <= clock.elapsed() ? undefined : createTerm(clock, durationMs, until);
  } catch (error) {
    const { code, message } = asKubeError(error, signal);
    if (code !== 'aborted') log.warn({ lease: name, code, error: message }, 'could not stand for election');
    return undefined;
  }
}

interface Serving {
  readonly options: ElectorOptions;
  readonly lock: LeaseLock;
  readonly signal: AbortSignal;
  readonly lead: (term: LeaderTerm) => Promise<void>;
}

async function serve(term: Term, { options, lock, signal, lead }: Serving): Promise<void> {
  const { log, name, identity } = options;
  log.info({ lease: name, identity }, 'became leader');
  const resign = () => term.resign(signal.reason);
  if (signal.aborted) resign();
  else signal.addEventListener('abort', resign, { once: true });
  const renewing = renew(term, options, lock);
  try {
    await lead(term);
  } catch (error) {
    // Errors caused by the end of the term are expected.
    if (!term.signal.aborted) throw error;
  } finally {
    signal.removeEventListener('abort', resign);
    const held = term.holds();
    term.end();
    await renewing;
    if (held) await release(options, lock);
    log.info({ lease: name, released: held }, 'no longer leader');
  }
}

async function renew(term: Term, options: ElectorOptions, lock: LeaseLock): Promise<void> {
  const { clock, renewMs, retryMs } = options;
  let pauseMs = renewMs;
  while (!isOver(term)) {
    await clock.sleep(pauseMs, term.over).catch(() => undefined);
    if (!isOver(term)) pauseMs = (await renewOnce(term, options, lock)) ? renewMs : retryMs;
  }
}

/** False if the renewal failed and can be retried. */
async function renewOnce(term: Term, options: ElectorOptions, lock: LeaseLock): Promise<boolean> {
  const { durationMs, log, name } = options;
  try {
    // A process that was suspended beyond the end must not renew the lease.
    const timeoutMs = durationMs * claimTimeoutShare;
    const until = term.holds() ? await lock.claim({ timeoutMs, signal: term.over }) : undefined;
    if (until === undefined) term.lose();
    else term.prolong(until);
    return true;
  } catch (error) {
    const { code, message } = asKubeError(error);
    if (!isOver(term)) log.warn({ lease: name, code, error: message }, 'could not renew the lease');
    return false;
  }
}

const isOver = ({ over }: Term) => over.aborted;

/** Best effort: without it the next leader waits until the lease expires. */
async function release({ log, name }: ElectorOptions, lock: LeaseLock): Promise<void> {
  try {
    await lock.release({ timeoutMs: releaseTimeoutMs });
  } catch (error) {
    const { code, message } = asKubeError(error);
    log.warn({ lease: name, code, error: message }, 'could not release the lease');
  }
}
