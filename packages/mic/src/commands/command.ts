// Room: `mic` as a program (help, version, or MIC itself), and what the kubectl plug-in uses of MIC.
// It must not hold what MIC does: run.ts names that.
import { connectKube, type KubeTransport } from '@pod-identity/kit/kube';
import {
  buildInfo,
  createLog,
  createMetrics,
  openProbeFile,
  runProcess,
  standardOutput,
  systemClock,
  userAgentOf,
  versionLine,
  type Log,
  type Metrics,
  type ProbeFile,
} from '@pod-identity/kit/serve';
import manifest from '../../package.json' with { type: 'json' };
import { connectAzure, type Azure } from '../azure/connect.ts';
import type { ArmCall } from '../azure/hosts/host-calls.ts';
import { readMicConfig, type Env, type MicConfig } from '../config/config.ts';
import { micMetrics, type MicMetricSpecs } from '../tell/metrics.ts';

export interface Surroundings {
  readonly argv: readonly string[];
  readonly env: Env;
  readonly hostname: string;
}

export interface Started {
  readonly config: MicConfig;
  readonly log: Log;
  readonly metrics: Metrics<MicMetricSpecs>;
  readonly transport: KubeTransport;
  readonly azure: Azure;
  readonly signal: AbortSignal;
  /** Undefined: no exec probe reads one. */
  readonly probeFile: ProbeFile | undefined;
}

/** `serve` is MIC itself. Both resolve to the exit code. */
export async function runCommand(
  surroundings: Surroundings,
  serve: (started: Started) => Promise<number>,
): Promise<number> {
  const reading = readMicConfig(surroundings);
  if (!reading.ok) {
    for (const { name, message } of reading.problems) console.error(`${name}: ${message}`);
    return 2;
  }
  const { config } = reading;
  const { command } = config;
  const build = buildInfo(manifest.version);
  if (command.kind !== 'run') {
    console.log(command.kind === 'help' ? command.text : versionLine('MIC', build));
    return 0;
  }
  const log = createLog({ component: 'mic', ...config.log, destination: gathered() });
  const { env } = surroundings;
  const userAgent = userAgentOf('MIC', build, config.userAgentSuffix);
  await runProcess({ log, run: (signal) => serveConnected({ config, env, userAgent, log, signal }, serve) });
  return 0;
}

interface Begun extends Pick<Started, 'config' | 'log' | 'signal'> {
  readonly env: Env;
  readonly userAgent: string;
}

async function serveConnected(
  { config, env, userAgent, log, signal }: Begun,
  serve: (started: Started) => Promise<number>,
): Promise<number> {
  const { cloudConfigPath, kubeconfig, master, serviceAccountDir, kubeQps: qps } = config;
  const metrics = createMetrics(micMetrics);
  const probeFile = await openProbeFile(config.probeFile, systemClock.now());
  const azure = await connectAzure({
    cloudConfigPath,
    env,
    clock: systemClock,
    random: Math.random,
    userAgent,
    log,
    onCall: (call) => meterCall(metrics, call),
  });
  const transport = await connectKube({
    userAgent,
    qps,
    burst: qps,
    serviceAccountDir,
    ...(master === undefined ? {} : { master }),
    ...(kubeconfig === undefined ? {} : { kubeconfig }),
  });
  try {
    return await serve({ config, log, metrics, transport, azure, signal, probeFile });
  } finally {
    azure.close();
    // Failures to close end with the process.
    await transport.close().catch(() => undefined);
  }
}

function meterCall(metrics: Metrics<MicMetricSpecs>, { operation, result, ms }: ArmCall): void {
  metrics.count('armCalls', { operation, result });
  // As in the original: only reads and changes of hosts; a change lasts until the end of its operation.
  if (operation === 'operation_get') return;
  if (result === 'ok') metrics.observe('cloudSeconds', ms / 1000, { operation_type: operation });
  else metrics.count('cloudErrors', { operation_type: operation });
}

/** Combines lines, since each assigned pod has one. The rest is written when the process ends. */
function gathered(): NonNullable<Parameters<typeof createLog>[0]['destination']> {
  const output = standardOutput();
  return { write: (line) => output.append(line), onLost: (report) => output.onLost(report) };
}
