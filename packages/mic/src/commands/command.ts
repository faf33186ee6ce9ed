// Room: `mic` as a program (help, version, or MIC itself), and what the kubectl plug-in uses of MIC.
// It must not hold what MIC does: run.ts names that.
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
  type LogOptions,
  type Metrics,
  type ProbeFile,
} from '@pod-identity/kit/serve';
import type { KubeTransport } from '@pod-identity/kit/kube';
import manifest from '../../package.json' with { type: 'json' };
import type { Azure } from '../azure/connect.ts';
import { readMicConfig, type Env, type MicCommand, type MicConfig } from '../config/config.ts';
import { micMetrics, type MicMetricSpecs } from '../tell/metrics.ts';
import { connect, type ConnectOptions } from './connect.ts';

export interface Surroundings {
  readonly argv: readonly string[];
  readonly env: Env;
  readonly hostname: string;
}

export interface Started {
  readonly config: MicConfig;
  readonly version: string;
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
  { argv, env, hostname }: Surroundings,
  serve: (started: Started) => Promise<number>,
): Promise<number> {
  const reading = readMicConfig({ argv, env, hostname });
  if (!reading.ok) {
    for (const { name, message } of reading.problems) console.error(`${name}: ${message}`);
    return 2;
  }
  const { config } = reading;
  const build = buildInfo(manifest.version);
  const printed = textOf(config.command, versionLine('MIC', build));
  if (printed !== undefined) {
    console.log(printed);
    return 0;
  }

  const { version } = build;
  const userAgent = userAgentOf('MIC', build, config.userAgentSuffix);
  await runConnected({ config, env, version, userAgent }, serve);
  return 0;
}

async function runConnected(
  {
    config,
    env,
    version,
    userAgent,
  }: Pick<Started, 'config' | 'version'> & Pick<ConnectOptions, 'env' | 'userAgent'>,
  serve: (started: Started) => Promise<number>,
): Promise<void> {
  const { level, format } = config.log;
  const log = createLog({ component: 'mic', level, format, destination: gathered() });
  const metrics = createMetrics(micMetrics);
  const run = async (signal: AbortSignal) => {
    const probeFile = await openProbeFile(config.probeFile, systemClock.now());
    const connections = await connect({ config, env, userAgent, log, metrics });
    const { transport, azure } = connections;
    try {
      return await serve({ config, version, log, metrics, transport, azure, signal, probeFile });
    } finally {
      await connections.close();
    }
  };
  await runProcess({ log, run });
}

/** For commands that only print a text. */
function textOf(command: MicCommand, version: string): string | undefined {
  if (command.kind === 'help') return command.text;
  return command.kind === 'version' ? version : undefined;
}

/** Combines lines, since each assigned pod has one. The rest is written when the process ends. */
function gathered(): NonNullable<LogOptions['destination']> {
  const output = standardOutput();
  return { write: (line) => output.append(line), onLost: (report) => output.onLost(report) };
}
