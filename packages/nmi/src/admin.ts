import {
  createMetricsRoute,
  keepAdminServer,
  systemClock as clock,
  type AdminRoute,
  type Log,
} from '@pod-identity/kit/serve';
import type { ListenAt, NmiConfig } from './config/config.ts';

export interface AdminOptions {
  readonly log: Log;
  readonly signal: AbortSignal;
  /** The body of /healthz, which is 200 while the process is alive. */
  readonly health: () => string;
  /** Empty if ready. */
  readonly problems: () => Promise<readonly string[]>;
  /** The metrics now. */
  readonly text: () => Promise<string>;
}

/** Keeps the ports for health, readiness and metrics, of NMI or of the broker. */
export async function keepAdmin(
  { probe, metrics }: Pick<NmiConfig, 'probe' | 'metrics'>,
  { log, signal, health, problems, text }: AdminOptions,
): Promise<void> {
  const healthz: AdminRoute = { path: '/healthz', respond: () => ({ status: 200, body: health() }) };
  const readyz: AdminRoute = {
    path: '/readyz',
    respond: async () => {
      const found = await problems();
      return found.length === 0
        ? { status: 200, body: 'ready\n' }
        : { status: 503, body: `${found.join('\n')}\n` };
    },
  };
  const keep = (role: string, at: ListenAt, routes: readonly AdminRoute[]) =>
    keepAdminServer({ ...at, routes, log: log.child({ role }) }, { clock, signal });
  await Promise.all([
    keep('health', probe, [healthz, readyz]),
    keep('metrics', metrics, [createMetricsRoute(text)]),
  ]);
}
