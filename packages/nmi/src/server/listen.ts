import { lookup } from 'node:dns/promises';
import { isIP, type ListenOptions, type Server } from 'node:net';
import type { SocketOwner } from './socket-owner.ts';

/** Listens with SO_REUSEPORT if the kernel has it, so that the agent that replaces this one can listen at the same time. */
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
    // Only root may listen on a port below 1024.
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
 * Node creates the socket a tick after `listen` is called; the process must have the owner's uid until then. From a callback of setImmediate
 * no other code runs in between, which would open files with that uid. A host name is resolved before, for the same reason.
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
