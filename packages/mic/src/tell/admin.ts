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
  readonly config: { readonly health: Address; readonly metrics: Address };
  readonly probeFile: ProbeFile | undefined;
  readonly log: Log;
  readonly metrics: Metrics<MicMetricSpecs>;
  readonly mic: Observed;
}

interface Observed {
  /** Undefined while this process does not lead. */
  readonly term: object | undefined;
  readonly view: {
    hasSynced(): boolean;
    /** For each watch: milliseconds since the last response of the API server. */
    ages(): ReadonlyMap<string, number>;
  };
  /** Why MIC cannot work as configured; undefined if it can. */
  readonly problem: string | undefined;
  /** Called right before metrics are read. */
  refreshGauges(): void;
}

/** A watch without data for so long counts as broken: it should have been resumed by then. */
const longestSilenceMs = 240_000;

/** Resolves when the signal has aborted. */
export async function keepAdminServers(options: AdminOptions, signal: AbortSignal): Promise<void> {
  const { config, probeFile, log, metrics, mic } = options;
  const clock = systemClock;
  const healthRoutes: AdminRoute[] = [
    // As in the original: the body is whether this replica leads. A standby is healthy too.
    { path: '/healthz', respond: () => ({ status: 200, body: mic.term ? 'Active' : 'Not Active' }) },
    { path: '/readyz', respond: () => responseOf(problemOf(mic)) },
  ];
  const problems = () => Promise.resolve([problemOf(mic) ?? []].flat());
  const output = standardOutput();
  let lost = 0;
  const text = () => {
    mic.refreshGauges();
    metrics.count('linesLost', undefined, output.lost - lost);
    lost = output.lost;
    return metrics.text();
  };
  const keep = (role: string, { host, port }: Address, routes: readonly AdminRoute[]) =>
    keepAdminServer({ host, port, routes, log: log.child({ role }) }, { clock, signal });
  await Promise.all([
    keep('health', config.health, healthRoutes),
    keep('metrics', config.metrics, [createMetricsRoute(text)]),
    keepProbeFile({ file: probeFile, problems, clock, log }, signal),
  ]);
}

const responseOf = (problem: string | undefined) =>
  problem === undefined ? { status: 200, body: 'ready' } : { status: 503, body: problem };

function problemOf({ view, problem }: Observed): string | undefined {
  if (!view.hasSynced()) return 'the watches have not listed everything yet';
  const silent = [...view.ages()].filter(([, ms]) => ms > longestSilenceMs).map(([plural]) => plural);
  return silent.length > 0 ? `nothing heard of: ${silent.join(', ')}` : problem;
}
