import { isDeepStrictEqual } from 'node:util';
import type { Clock } from '../core/clock.ts';
import { KubeError } from './errors.ts';
import type { Access } from './http-transport.ts';

/** Where the API server is, and how to be let in. */
export interface Credentials {
  readonly server: string;
  /** `aged`: read a while ago. `refused`: the server did not accept what was read. */
  read(why: 'first' | 'aged' | 'refused'): Promise<Access>;
}

/** Credentials live in files that others renew: read again this often, and at once when the server refuses them. */
const accessAgeMs = 60_000;
const freshAgeMs = 1000;

/** Keeps what was read last. `fresh` asks past that: the server did not accept it. */
export function keepAccess(credentials: Credentials, clock: Clock): (fresh: boolean) => Promise<Access> {
  let current: Access | undefined;
  let readAt = -Infinity;
  let reading: Promise<Access> | undefined;

  const read = async (fresh: boolean) => {
    try {
      const next = await credentials.read(fresh ? 'refused' : current ? 'aged' : 'first');
      // The same settings stay the same object: they keep their connections.
      current = current && isDeepStrictEqual(current.tls, next.tls) ? { ...next, tls: current.tls } : next;
    } catch (cause) {
      // Files are replaced while we read: what worked until now is the better answer.
      if (!current)
        throw new KubeError('unauthorized', `cannot get credentials: ${String(cause)}`, { cause });
    }
    readAt = clock.now();
    return current;
  };

  return (fresh) => {
    if (reading) return reading;
    if (current && clock.now() - readAt < (fresh ? freshAgeMs : accessAgeMs)) return Promise.resolve(current);
    reading = read(fresh).finally(() => (reading = undefined));
    return reading;
  };
}
