import { lookup } from 'node:dns/promises';
import { isIP, type ListenOptions, type Server } from 'node:net';
import type { SocketOwner } from './port/socket-owner.ts';

/**
 * Listens on a port that the agent which replaces this one can share until this one has answered the last request. Returns
 * whether it is shared: not every kernel can (SO_REUSEPORT).
 */
export async function listen(
  server: Server,
  options: ListenOptions,
  owner?: SocketOwner,
): Promise<'shared' | 'alone'> {
  try {
    await bind(server, { ...options, reusePort: true }, owner);
    return 'shared';
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    // A port below 1024 is root's.
    if (code === 'EACCES' && owner !== undefined) {
      owner.giveUp();
      return listen(server, options);
    }
    if (!cannotShare.has(code)) throw error;
    await bind(server, options, owner);
    return 'alone';
  }
}

const cannotShare: ReadonlySet<unknown> = new Set([
  'ENOTSUP',
  'EOPNOTSUPP',
  'ENOPROTOOPT',
  'ENOSYS',
  'EINVAL',
]);

/**
 * The socket is made a tick after `listen` is called: it is the owner's only if the process has his uid until it listens. From a
 * callback of the event loop that tick comes before anything else of the program goes on, which would open its files as that uid.
 * A name would be looked up in between.
 */
async function bind(
  server: Server,
  { host, ...options }: ListenOptions,
  owner: SocketOwner | undefined,
): Promise<void> {
  const at =
    owner === undefined || host === undefined || isIP(host) > 0 ? host : (await lookup(host)).address;
  const { promise, resolve, reject } = Promise.withResolvers<undefined>();
  const fail = (error: Error) => {
    owner?.end();
    reject(error);
  };
  setImmediate(() => {
    server.once('error', fail);
    owner?.begin();
    server.listen({ ...options, ...(at === undefined ? {} : { host: at }) }, () => {
      owner?.end();
      server.off('error', fail);
      resolve(undefined);
    });
  });
  return promise;
}
