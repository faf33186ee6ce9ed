import { once } from 'node:events';
import type { Clock } from '../core/clock.ts';
import { startAdminServer, type AdminServer, type AdminServerOptions } from './admin-server.ts';

const askAgainMs = 1_000;

/**
 * An admin server until the signal aborts. While another process has the port it waits for it: during a rolling update the
 * old process of the same node still answers there, and the new one must not fail for that.
 */
export async function keepAdminServer(
  options: AdminServerOptions,
  { clock, signal }: { readonly clock: Clock; readonly signal: AbortSignal },
): Promise<void> {
  const server = await startWhenFree(options, clock, signal);
  if (!server) return;
  if (!signal.aborted) await once(signal, 'abort');
  await server.close();
}

async function startWhenFree(
  options: AdminServerOptions,
  clock: Clock,
  signal: AbortSignal,
): Promise<AdminServer | undefined> {
  let isTold = false;
  while (!signal.aborted) {
    try {
      return await startAdminServer(options);
    } catch (error) {
      if (!isInUse(error)) throw error;
      if (!isTold)
        options.log.warn({ port: options.port }, 'another process has this port; waiting until it is free');
      isTold = true;
      await clock.sleep(askAgainMs, signal).catch(() => undefined);
    }
  }
  return undefined;
}

function isInUse(error: unknown): boolean {
  return error instanceof Error && 'code' in error && error.code === 'EADDRINUSE';
}
