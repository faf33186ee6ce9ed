import type { ListenOptions, Server } from 'node:net';

/**
 * Listens on a port that the agent which replaces this one can share until this one has answered the last request. Answers
 * whether it is shared: not every kernel can (SO_REUSEPORT).
 */
export async function listen(server: Server, options: ListenOptions): Promise<'shared' | 'alone'> {
  try {
    await bind(server, { ...options, reusePort: true });
    return 'shared';
  } catch (error) {
    if (!cannotShare.has((error as NodeJS.ErrnoException).code)) throw error;
    await bind(server, options);
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

function bind(server: Server, options: ListenOptions): Promise<void> {
  return new Promise((resolve, reject) => {
    server.once('error', reject);
    server.listen(options, () => {
      server.off('error', reject);
      resolve();
    });
  });
}
