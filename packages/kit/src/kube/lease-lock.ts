import type { Clock } from '../core/clock.ts';
import { KubeError } from './errors.ts';
import { coreKinds } from './kinds.ts';
import { readLease, writeLease, type LeaseRecord } from './lease-record.ts';
import { collectionPath, objectPath } from './object.ts';
import type { KubeRequest, KubeTransport } from './transport.ts';

export interface LeaseLockOptions {
  readonly transport: KubeTransport;
  readonly namespace: string;
  readonly name: string;
  readonly identity: string;
  /** How long others respect a lease that is not renewed. */
  readonly durationMs: number;
  readonly clock: Clock;
}

interface Patience {
  readonly timeoutMs: number;
  readonly signal?: AbortSignal;
}

export type LeaseLock = ReturnType<typeof createLeaseLock>;

interface Observation {
  readonly record: LeaseRecord;
  /** When this clock first saw the lease in its present state. */
  readonly since: number;
}

export function createLeaseLock(options: LeaseLockOptions) {
  const { identity, durationMs, clock } = options;
  const register = createRegister(options);

  // The duration is the holder's; the time since the last renewal is measured with the local clock.
  const isFree = ({ record, since }: Observation, now: number) =>
    record.holder === '' || record.holder === identity || now >= since + (record.durationMs ?? durationMs);
  const attempt = async (before: Observation | undefined, patience: Patience) => {
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
      const mine = register.seen?.record.holder === identity ? register.seen : undefined;
      try {
        return await attempt(mine ?? (await register.look(patience)), patience);
      } catch (error) {
        if (!isOutdated(error)) throw error;
        return await attempt(await register.look(patience), patience);
      }
    },
    /** Releases the lease if this process holds it. */
    async release(patience: Patience): Promise<void> {
      // Read again: the connection may have failed after the server accepted a renewal.
      const before = await register.look(patience);
      if (before?.record.holder === identity) await register.write('', before, patience);
    },
    get holder(): string | undefined {
      return register.seen?.record.holder;
    },
  };
}

/** Reads and writes the Lease, and records when it last changed. */
function createRegister({ transport, clock, durationMs, ...key }: LeaseLockOptions) {
  const path = objectPath(coreKinds.leases, key);
  const collection = collectionPath(coreKinds.leases, key.namespace);
  let seen: Observation | undefined;

  const observe = (object: unknown): Observation => {
    const record = readLease(object);
    const same = seen?.record.fingerprint === record.fingerprint;
    seen = { record, since: same && seen ? seen.since : clock.elapsed() };
    return seen;
  };
  return {
    get seen() {
      return seen;
    },
    async look(patience: Patience): Promise<Observation | undefined> {
      try {
        return observe(await transport.request({ method: 'GET', path, ...patience }));
      } catch (error) {
        if (!(error instanceof KubeError && error.code === 'not-found')) throw error;
        seen = undefined;
        return undefined;
      }
    },
    async write(holder: string, before: Observation | undefined, patience: Patience): Promise<void> {
      const { namespace, name } = key;
      const body = writeLease({ namespace, name, holder, durationMs, now: clock.now() }, before?.record);
      const call: KubeRequest = before
        ? { method: 'PUT', path, body }
        : { method: 'POST', path: collection, body };
      observe(await transport.request({ ...call, ...patience }));
    },
  };
}

function isOutdated(error: unknown): boolean {
  return error instanceof KubeError && ['conflict', 'already-exists', 'not-found'].includes(error.code);
}
