// The admin port: health, readiness, metrics.
import {
  createMetricsRoute,
  keepAdminServer,
  standardOutput,
  systemClock,
  type AdminRoute,
  type Log,
  type Metrics,
} from '@pod-identity/kit/serve';
import type { MicMetricSpecs } from './metrics.ts';

interface Address {
  readonly host: string;
  readonly port: number;
}

export interface AdminOptions {
  readonly health: Address;
  readonly metrics: Address;
  readonly log: Log;
  readonly registry: Metrics<MicMetricSpecs>;
  readonly isLeading: () => boolean;
  readonly watches: Watches;
  /** Why MIC cannot work as configured; undefined if it can. */
  readonly problem: () => string | undefined;
  /** Called right before metrics are read. */
  readonly refreshGauges: () => void;
}

export interface Watches {
  hasSynced(): boolean;
  /** For each watch: milliseconds since the last response of the API server. */
  ages(): ReadonlyMap<string, number>;
}

/** A watch without data for so long counts as broken: it should have been resumed by then. */
const longestSilenceMs = 150_000;

/** Resolves when the signal has aborted. */
export async function keepAdminServers(options: AdminOptions, signal: AbortSignal): Promise<void> {
  const { health, metrics, log, registry, isLeading, watches, problem, refreshGauges } = options;
  const healthRoutes: AdminRoute[] = [
    // As in the original: the body is whether this replica leads. A standby is healthy too.
    { path: '/healthz', respond: () => ({ status: 200, body: isLeading() ? 'Active' : 'Not Active' }) },
    { path: '/readyz', respond: () => readiness(watches, problem()) },
  ];
  const output = standardOutput();
  let lost = 0;
  const text = () => {
    refreshGauges();
    registry.count('linesLost', undefined, output.lost - lost);
    lost = output.lost;
    return registry.text();
  };
  const keep = (role: string, { host, port }: Address, routes: readonly AdminRoute[]) =>
    keepAdminServer({ host, port, routes, log: log.child({ role }) }, { clock: systemClock, signal });
  await Promise.all([
    keep('health', health, healthRoutes),
    keep('metrics', metrics, [createMetricsRoute(text)]),
  ]);
}

function readiness(watches: Watches, problem: string | undefined): { status: number; body: string } {
  if (!watches.hasSynced()) return { status: 503, body: 'the watches have not listed everything yet' };
  const silent = [...watches.ages()].filter(([, ms]) => ms > longestSilenceMs).map(([plural]) => plural);
  if (silent.length > 0) return { status: 503, body: `nothing heard of: ${silent.join(', ')}` };
  return problem === undefined ? { status: 200, body: 'ready' } : { status: 503, body: problem };
}
