// Health, readiness and metrics: the admin ports, and the file of the probes.
import {
  createMetricsRoute,
  keepAdminServer,
  keepProbeFile,
  standardOutput,
  systemClock,
  type AdminRoute,
  type Log,
  type Metrics,
  type ProbeFile,
} from '@pod-identity/kit/serve';
import type { MicMetricSpecs } from './metrics.ts';

interface Address {
  readonly host: string;
  readonly port: number;
}

export interface AdminOptions {
  readonly health: Address;
  readonly metrics: Address;
  readonly probeFile: ProbeFile | undefined;
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
const longestSilenceMs = 240_000;

/** Resolves when the signal has aborted. */
export async function keepAdminServers(options: AdminOptions, signal: AbortSignal): Promise<void> {
  const { health, metrics, probeFile, log, registry, isLeading, refreshGauges } = options;
  const clock = systemClock;
  const healthRoutes: AdminRoute[] = [
    // As in the original: the body is whether this replica leads. A standby is healthy too.
    { path: '/healthz', respond: () => ({ status: 200, body: isLeading() ? 'Active' : 'Not Active' }) },
    { path: '/readyz', respond: () => responseOf(problemOf(options)) },
  ];
  const problems = () => Promise.resolve([problemOf(options) ?? []].flat());
  const output = standardOutput();
  let lost = 0;
  const text = () => {
    refreshGauges();
    registry.count('linesLost', undefined, output.lost - lost);
    lost = output.lost;
    return registry.text();
  };
  const keep = (role: string, { host, port }: Address, routes: readonly AdminRoute[]) =>
    keepAdminServer({ host, port, routes, log: log.child({ role }) }, { clock, signal });
  await Promise.all([
    keep('health', health, healthRoutes),
    keep('metrics', metrics, [createMetricsRoute(text)]),
    keepProbeFile({ file: probeFile, problems, clock, log }, signal),
  ]);
}

const responseOf = (problem: string | undefined) =>
  problem === undefined ? { status: 200, body: 'ready' } : { status: 503, body: problem };

function problemOf({ watches, problem }: Pick<AdminOptions, 'watches' | 'problem'>): string | undefined {
  if (!watches.hasSynced()) return 'the watches have not listed everything yet';
  const silent = [...watches.ages()].filter(([, ms]) => ms > longestSilenceMs).map(([plural]) => plural);
  return silent.length > 0 ? `nothing heard of: ${silent.join(', ')}` : problem();
}
