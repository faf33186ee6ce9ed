// Runs the command that arguments and environment select: help, version, `mic explain`, or MIC itself.
import {
  buildInfo,
  createLog,
  createMetrics,
  createPrinter,
  openProbeFile,
  openTracer,
  readServiceArguments,
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
import { serviceFault } from '@pod-identity/kit/core';
import type { KubeTransport } from '@pod-identity/kit/kube';
import manifest from '../../package.json' with { type: 'json' };
import type { Azure } from '../azure/connect.ts';
import { readMicConfig, type Env, type MicCommand, type MicConfig } from '../config/config.ts';
import { micFlags } from '../config/flags.ts';
import { readOriginalWarning } from '../compat/connect-original.ts';
import { micMetrics, type MicMetricSpecs } from '../tell/metrics.ts';
import { createTracing, type Tracing } from '../trace/tracing.ts';
import { connect, type ConnectOptions } from './connect.ts';
import { inTime } from './deadline.ts';
import { explainCommand } from './explain.ts';

export interface Surroundings {
  /** The file of this program. */
  readonly script: string;
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
  readonly trace: Tracing;
  /** Undefined: no exec probe reads one. */
  readonly probeFile: ProbeFile | undefined;
}

/** `serve` is MIC itself. Both resolve to the exit code; a longer command ends the process with it. */
export async function runCommand(
  { script, argv, env, hostname }: Surroundings,
  serve: (started: Started) => Promise<number>,
): Promise<number> {
  const service = readServiceArguments(script);
  const reading = readMicConfig({ argv, env, hostname, service });
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

  const fault = config.command.kind === 'run' ? undefined : serviceFault(micFlags, service);
  if (fault !== undefined) console.error(`mic: ${fault}`);
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
  const { command } = config;
  const traced = { version, instance: config.leader.identity, clock: systemClock, log };
  const run = async (signal: AbortSignal) => {
    const isService = command.kind !== 'explain';
    const probeFile = await openProbeFile(isService ? config.probeFile : '', systemClock.now());
    const tracer = await openTracer(isService ? config.tracing : undefined, traced);
    const trace = createTracing(tracer);
    const connections = await connect({ config, env, userAgent, log, metrics, trace });
    const { transport, azure } = connections;
    try {
      const started = { config, version, log, metrics, transport, azure, signal, trace, probeFile };
      return isService ? await serve(started) : await explain(command, started);
    } finally {
      await Promise.all([connections.close(), tracer?.close()]);
    }
  };
  await runProcess({ log, run });
}

/** For commands that only print a text. */
function textOf(command: MicCommand, version: string): string | undefined {
  if (command.kind === 'help') return command.text;
  return command.kind === 'version' ? version : undefined;
}

function explain(
  target: { readonly namespace: string; readonly pod: string },
  { config, log, transport, azure, signal }: Started,
): Promise<number> {
  const { forceNamespaced, namespaceShareBytes, originalLock, leader } = config;
  const namespace = config.isNamespaceGiven ? config.podNamespace : undefined;
  const clock = systemClock;
  return inTime({ clock, signal, complain: console.error }, (limited) =>
    explainCommand({
      target,
      rules: { namespace, forceNamespaced, namespaceShareBytes },
      accessMode: config.access.mode,
      transport,
      azure,
      clock,
      log,
      signal: limited,
      originalRuns: readOriginalWarning({ lock: originalLock, lease: leader }, { transport, clock }),
      printer: createPrinter(console.log),
    }),
  );
}

/** Combines lines, since each assigned pod has one. The rest is written when the process ends. */
function gathered(): NonNullable<LogOptions['destination']> {
  const output = standardOutput();
  return { write: (line) => output.append(line), onLost: (report) => output.onLost(report) };
}
