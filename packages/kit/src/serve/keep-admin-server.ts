import { aborted } from '../core/aborted.ts';
import type { Clock } from '../core/clock.ts';
import { startAdminServer, type AdminServer, type AdminServerOptions } from './admin-server.ts';

const retryMs = 1_000;

/**
 * Runs an admin server until the signal aborts. Waits while the port is not available: during a rolling update the old process of
 * the node still uses it, and an address that the machine does not have must not stop the program.
 */
export async function keepAdminServer(
  options: AdminServerOptions,
  { clock, signal }: { readonly clock: Clock; readonly signal: AbortSignal },
): Promise<void> {
  const server = await startWhenFree(options, clock, signal);
  if (!server) return;
  await aborted(signal);
  await server.close();
}

async function startWhenFree(
  options: AdminServerOptions,
  clock: Clock,
  signal: AbortSignal,
): Promise<AdminServer | undefined> {
  let isReported = false;
  while (!signal.aborted) {
    try {
      return await startAdminServer(options);
    } catch (error) {
      const why = reasons[codeOf(error)];
      if (why === undefined) throw error;
      if (!isReported) options.log.warn({ address: options.host, port: options.port }, why);
      isReported = true;
      await clock.sleep(retryMs, signal).catch(() => undefined);
    }
  }
  return undefined;
}

const reasons: Readonly<Record<string, string>> = {
  EADDRINUSE: 'another process has this port; waiting until it is free',
  EADDRNOTAVAIL: 'this machine has no such address; waiting until it has: correct the flag that names it',
};

function codeOf(error: unknown): string {
  return error instanceof Error && 'code' in error ? String(error.code) : '';
}
