// One leader among processes that name the same Lease. Safety: a leader stops before others may take over, and the time since a renewal is
// measured by the local clock, from before the request.
import type { Clock, Timer } from '../core/clock.ts';
import { asKubeError, KubeError } from './errors.ts';
import { coreKinds } from './kinds.ts';
import { apiVersionOf, collectionPath, field, metadataOf, objectPath, textField } from './object.ts';
import type { KubeAmbient, KubeRequest } from './transport.ts';

export interface ElectorOptions extends KubeAmbient {
  readonly namespace: string;
  readonly name: string;
  readonly identity: string;
  /** How long others respect a lease that is not renewed. */
  readonly durationMs: number;
  /** How often the leader renews; a third of the duration leaves time for two more tries. */
  readonly renewMs: number;
  /** How often a candidate tries, and a leader retries after a failed renewal. */
  readonly retryMs: number;
}

export interface LeaderTerm {
  /** Aborts when the lease is lost or the elector ends. */
  readonly signal: AbortSignal;
  /** Computed from the time of the last renewal, so it is correct even if timers are late. Check it right before each write. */
  holds(): boolean;
}

/** Random extension of a candidate's pauses, so that candidates do not synchronize. */
const retryJitter = 0.2;
/** A claim on a dead connection must leave time for another one. */
const claimTimeoutShare = 1 / 4;
const releaseTimeoutMs = 5000;
/** A leader stops this share of the duration before others may take over, for differences of clocks and durations of requests. */
const marginShare = 1 / 5;

/** Elects one leader among all processes that name the same Lease and have different identities. */
export function createElector(options: ElectorOptions) {
  const { clock, durationMs, retryMs, random } = options;
  const lock = createLock(options);
  let term: Term | undefined;

  const stand = async (signal: AbortSignal): Promise<Term | undefined> => {
    try {
      const until = await lock.claim({ timeoutMs: durationMs * claimTimeoutShare, signal });
      // The response may have taken longer than the lease lasts.
      return until === undefined || until <= clock.elapsed()
        ? undefined
        : createTerm(clock, durationMs, until);
    } catch (error) {
      warn(options, asKubeError(error, signal), 'could not stand for election');
      return undefined;
    }
  };

  return {
    /**
     * Stands for election until the signal aborts, and calls `lead` for each term won. After the abort the lease is renewed until `lead` has
     * settled, and then released. Rejects only if `lead` rejects in a term that was not ending.
     */
    async run(signal: AbortSignal, lead: (term: LeaderTerm) => Promise<void>): Promise<void> {
      while (!signal.aborted) {
        term = await stand(signal);
        if (term) await serve(term, { options, lock, signal, lead });
        // Also after a term, so that others can win, and a `lead` that returns at once causes no busy loop.
        await clock.sleep(retryMs * (1 + retryJitter * random()), signal).catch(() => undefined);
      }
    },
    isLeader: () => term?.holds() ?? false,
    /** The holder last read from the Lease. */
    leader: () => lock.holder(),
  };
}

interface Serving {
  readonly options: ElectorOptions;
  readonly lock: Lock;
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
    // Without it the next leader waits until the lease expires.
    if (held)
      await lock
        .release()
        .catch((error: unknown) => warn(options, asKubeError(error), 'could not release the lease'));
    log.info({ lease: name, released: held }, 'no longer leader');
  }
}

async function renew(term: Term, options: ElectorOptions, lock: Lock): Promise<void> {
  const { clock, durationMs, renewMs, retryMs } = options;
  const signal = term.over;
  let pauseMs = renewMs;
  for (;;) {
    await clock.sleep(pauseMs, signal).catch(() => undefined);
    if (signal.aborted) return;
    try {
      // A process that was suspended beyond the end must not renew the lease.
      const until = term.holds()
        ? await lock.claim({ timeoutMs: durationMs * claimTimeoutShare, signal })
        : undefined;
      if (until === undefined) term.lose();
      else term.prolong(until);
      pauseMs = renewMs;
    } catch (error) {
      warn(options, asKubeError(error, signal), 'could not renew the lease');
      pauseMs = retryMs;
    }
  }
}

/** Not if the signal has aborted. */
function warn({ log, name }: ElectorOptions, { code, message }: KubeError, what: string): void {
  if (code !== 'aborted') log.warn({ lease: name, code, error: message }, what);
}

/** The elector's side of a term. */
type Term = ReturnType<typeof createTerm>;

/** `until`: until when others respect the lease, by `clock.elapsed()`. */
function createTerm(clock: Clock, durationMs: number, until: number) {
  const held = new AbortController();
  const over = new AbortController();
  let endsAt = -Infinity;
  /** By the time of day, which goes on while a machine is frozen. Setting it back does not lengthen a term. */
  let endsAtTime = -Infinity;
  let timer: Timer | undefined;

  const end = () => {
    endsAt = -Infinity;
    timer?.cancel();
    over.abort();
  };
  const lose = () => {
    end();
    held.abort(new Error('the lease was lost'));
  };
  const extend = (respectedUntil: number) => {
    timer?.cancel();
    endsAt = respectedUntil - durationMs * marginShare;
    const leftMs = endsAt - clock.elapsed();
    endsAtTime = clock.now() + leftMs;
    timer = clock.after(leftMs, lose);
  };
  const holds = () => clock.elapsed() < endsAt && clock.now() < endsAtTime;

  extend(until);
  return {
    signal: held.signal,
    /** Aborts when the lease is lost or the holder has finished. */
    over: over.signal,
    holds,
    /** The lease was renewed until then. Ignored after the end of the term. */
    prolong: (respectedUntil: number) => (holds() ? extend(respectedUntil) : lose()),
    /** Makes the holder finish while the lease is still renewed. */
    resign: (reason: unknown) => held.abort(reason),
    /** Another process has the lease, or it could not be renewed in time. */
    lose,
    /** The holder has finished. */
    end,
  };
}

interface Patience {
  readonly timeoutMs: number;
  readonly signal?: AbortSignal;
}

type Lock = ReturnType<typeof createLock>;

function createLock(options: ElectorOptions) {
  const { identity, durationMs, clock } = options;
  const register = createRegister(options);

  // The duration is the holder's; the time since the last renewal is measured with the local clock.
  const isFree = ({ holder, since, ...of }: Lease, now: number) =>
    holder === '' || holder === identity || now >= since + (of.durationMs ?? durationMs);
  const take = async (before: Lease | undefined, patience: Patience) => {
    const sentAt = clock.elapsed();
    if (before && !isFree(before, sentAt)) return undefined;
    await register.write(identity, before, patience);
    return sentAt + durationMs;
  };

  return {
    /**
     * Takes or renews the lease. Returns the time until which others respect it, counted from before the request, or undefined if
     * another process holds it. Throws KubeError if that is unknown.
     */
    async claim(patience: Patience): Promise<number | undefined> {
      // An own lease is renewed without reading it first: a change by others returns a conflict.
      const last = register.seen();
      try {
        return await take(last?.holder === identity ? last : await register.look(patience), patience);
      } catch (error) {
        if (!isCoded(error, 'conflict', 'already-exists', 'not-found')) throw error;
        return await take(await register.look(patience), patience);
      }
    },
    /** Releases the lease if this process holds it. Read again: the connection may have failed after the server accepted a renewal. */
    async release(): Promise<void> {
      const patience = { timeoutMs: releaseTimeoutMs };
      const before = await register.look(patience);
      if (before?.holder === identity) await register.write('', before, patience);
    },
    holder: () => register.seen()?.holder,
  };
}

/** Reads and writes the Lease, and records when it last changed. */
function createRegister({ transport, clock, durationMs, namespace, name }: ElectorOptions) {
  const path = objectPath(coreKinds.leases, { namespace, name });
  const collection = collectionPath(coreKinds.leases, namespace);
  let seen: Lease | undefined;

  const send = async (call: KubeRequest, patience: Patience): Promise<Lease> => {
    const object = await transport.request({ ...call, ...patience });
    const read = readLease(object);
    const since = seen?.fingerprint === read.fingerprint ? seen.since : clock.elapsed();
    return (seen = { ...read, since });
  };
  return {
    seen: () => seen,
    async look(patience: Patience): Promise<Lease | undefined> {
      try {
        return await send({ method: 'GET', path }, patience);
      } catch (error) {
        if (!isCoded(error, 'not-found')) throw error;
        return (seen = undefined);
      }
    },
    /** An empty holder releases the Lease. */
    write(holder: string, before: Lease | undefined, patience: Patience): Promise<Lease> {
      const now = new Date(clock.now()).toISOString();
      const body = {
        apiVersion: apiVersionOf(coreKinds.leases),
        kind: coreKinds.leases.kind,
        metadata: { namespace, name, ...(before && { resourceVersion: before.resourceVersion }) },
        spec: claimOf(holder, before, { durationMs, now }),
      };
      return send(
        before ? { method: 'PUT', path, body } : { method: 'POST', path: collection, body },
        patience,
      );
    },
  };
}

function isCoded(error: unknown, ...codes: readonly string[]): boolean {
  return error instanceof KubeError && codes.includes(error.code);
}

/** Holder and times of a Lease. Times are of the holder's clock and not comparable with the local one. */
interface Lease {
  /** Empty if there is no holder. */
  readonly holder: string;
  readonly durationMs: number | undefined;
  readonly acquireTime: string;
  readonly transitions: number;
  readonly resourceVersion: string;
  /** Changes with every renewal. */
  readonly fingerprint: string;
  /** When this clock first saw the lease in its present state. */
  readonly since: number;
}

function readLease(object: unknown): Omit<Lease, 'since'> {
  const spec = field(object, 'spec');
  const seconds = field(spec, 'leaseDurationSeconds');
  const transitions = field(spec, 'leaseTransitions');
  return {
    holder: textField(spec, 'holderIdentity'),
    durationMs: typeof seconds === 'number' ? seconds * 1000 : undefined,
    acquireTime: textField(spec, 'acquireTime'),
    transitions: typeof transitions === 'number' ? transitions : 0,
    resourceVersion: metadataOf(object)?.resourceVersion ?? '',
    fingerprint: JSON.stringify(spec ?? null),
  };
}

/** The spec of the successor of the Lease that was read, if any. */
function claimOf(holder: string, before: Lease | undefined, at: { durationMs: number; now: string }): object {
  // Kubernetes' MicroTime.
  const renewTime = at.now.replace('Z', '000Z');
  const keeps = before?.holder === holder;
  return {
    holderIdentity: holder,
    leaseDurationSeconds: Math.max(1, Math.ceil(at.durationMs / 1000)),
    acquireTime: keeps ? before.acquireTime : renewTime,
    renewTime,
    leaseTransitions: before ? before.transitions + (keeps || holder === '' ? 0 : 1) : 0,
  };
}
