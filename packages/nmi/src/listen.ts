import type { ListenOptions, Server } from 'node:net';
import type { SocketOwner } from './port/socket-owner.ts';

/**
 * Listens on a port that the agent which replaces this one can share until this one has answered the last request. Answers
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

/** The name is looked up before the socket is made: it is the owner's only if he is that until it listens. */
function bind(server: Server, options: ListenOptions, owner: SocketOwner | undefined): Promise<void> {
  const { promise, resolve, reject } = Promise.withResolvers<undefined>();
  const fail = (error: Error) => {
    owner?.end();
    reject(error);
  };
  server.once('error', fail);
  owner?.begin();
  server.listen(options, () => {
    owner?.end();
    server.off('error', fail);
    resolve(undefined);
  });
  return promise;
}
