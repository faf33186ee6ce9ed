import { isDeepStrictEqual } from 'node:util';
import type { Clock } from '../core/clock.ts';
import { KubeError } from './errors.ts';
import type { Access } from './http-transport.ts';
import type { ProxyEnv } from './proxy.ts';

/** Address of the API server, and how to authenticate. */
export interface Credentials {
  readonly server: string;
  /** For Node's agents: the proxy to it. */
  readonly proxy?: ProxyEnv | undefined;
  /** `aged`: the last reading is old. `refused`: the server rejected the credentials. */
  read(why: 'first' | 'aged' | 'refused'): Promise<Access>;
}

/** Files of credentials are renewed: they are read again this often, and at once when the server rejects them. */
const accessAgeMs = 60_000;
const freshAgeMs = 1000;

/** A SyntaxError quotes the output of the credential plugin, which may contain a token. */
const whyNone = (cause: unknown) =>
  cause instanceof SyntaxError ? 'the credential plugin printed no JSON' : String(cause);

/** Caches the last reading. `fresh` skips the cache: the server rejected it. */
export function keepAccess(credentials: Credentials, clock: Clock): (fresh: boolean) => Promise<Access> {
  let current: Access | undefined;
  let readAt = -Infinity;
  let reading: Promise<Access> | undefined;

  const read = async (fresh: boolean) => {
    try {
      const next = await credentials.read(fresh ? 'refused' : current ? 'aged' : 'first');
      // Equal settings stay the same object, which keeps the connections.
      current = current && isDeepStrictEqual(current.tls, next.tls) ? { ...next, tls: current.tls } : next;
    } catch (cause) {
      // A file may just be being replaced: the last reading is used.
      if (!current) throw new KubeError('unauthorized', `cannot get credentials: ${whyNone(cause)}`);
    }
    readAt = clock.elapsed();
    return current;
  };

  return (fresh) => {
    if (reading) return reading;
    if (current && clock.elapsed() - readAt < (fresh ? freshAgeMs : accessAgeMs))
      return Promise.resolve(current);
    reading = read(fresh).finally(() => (reading = undefined));
    return reading;
  };
}
