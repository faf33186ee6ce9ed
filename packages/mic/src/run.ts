// MIC as a process: configuration in, edges built, elector started, shut down in order.
import { setImmediate as yieldTurn } from 'node:timers/promises';
import { connectKube, createElector, createEventRecorder, type KubeTransport } from '@pod-identity/kit/kube';
import {
  createLog,
  createMetrics,
  createMetricsRoute,
  createPrinter,
  keepAdminServer,
  runProcess,
  standardOutput,
  systemClock,
  type AdminRoute,
  type Log,
  type LogOptions,
  type Metrics,
} from '@pod-identity/kit/serve';
import manifest from '../package.json' with { type: 'json' };
import { connectAzure, type Azure } from './azure/connect.ts';
import type { ArmCall } from './azure/hosts/host-calls.ts';
import { micUserAgent, readMicConfig, type Env, type MicCommand, type MicConfig } from './config/config.ts';
import { planRules } from './config/plan-rules.ts';
import type { ControllerSettings } from './term/deps.ts';
import { startController, type Controller } from './term/controller.ts';
import { explainCommand } from './commands/explain.ts';
import { micMetrics, type MicMetricSpecs } from './tell/metrics.ts';
import { askOriginal, watchOriginal } from './original/connect-original.ts';

interface Surroundings {
  readonly argv: readonly string[];
  readonly env: Env;
  readonly hostname: string;
}

interface Edges {
  readonly config: MicConfig;
  readonly log: Log;
  readonly metrics: Metrics<MicMetricSpecs>;
  readonly transport: KubeTransport;
  readonly azure: Azure;
}

/** A watch that was not heard of for so long is as good as none: it should have been dropped and resumed by then. */
const longestSilenceMs = 150_000;
const conditionWritesPerSecond = 10;
/** After this an assignment is shown as Created while its identity is on its way. */
const recordAfterMs = 2_000;

/** A line for each pod that is assigned: many lines are one write. What is left is written when the process ends. */
function gathered(): NonNullable<LogOptions['destination']> {
  const output = standardOutput();
  return { write: (line) => output.append(line), onLost: (say) => output.onLost(say) };
}

export async function runMic({ argv, env, hostname }: Surroundings): Promise<void> {
  const reading = readMicConfig({ argv, env, hostname });
  if (!reading.ok) {
    for (const { name, message } of reading.problems) console.error(`${name}: ${message}`);
    process.exit(2);
  }
  const { config } = reading;
  const { version } = manifest;
  const commit = env['MIC_COMMIT'] ?? 'unknown';
  const date = env['MIC_BUILD_DATE'] ?? 'unknown';
  const said = wordsFor(
    config.command,
    `${version} - NMI Version: ${version} - Commit: ${commit} - Date: ${date}`,
  );
  if (said !== undefined) {
    console.log(said);
    return;
  }

  const log = createLog({ component: 'mic', ...config.log, destination: gathered() });
  const userAgent = micUserAgent({ version, commit, date, suffix: config.userAgentSuffix });
  const run = async (signal: AbortSignal) => {
    const metrics = createMetrics(micMetrics);
    const edges = { config, log, metrics, ...(await connect({ config, env, log, metrics, userAgent })) };
    try {
      const { command: question, podNamespace: namespace, forceNamespaced, namespaceShareBytes } = config;
      if (question.kind !== 'explain') return await serve(edges, signal);
      const place = { namespace, forceNamespaced, namespaceShareBytes };
      return await explainCommand({
        ...{ ...edges, question, place, signal, clock: systemClock },
        originalRuns: askOriginal(config, edges.transport),
        printer: createPrinter(console.log),
      });
    } finally {
      await Promise.allSettled([edges.transport.close(), edges.azure.close()]);
    }
  };
  await runProcess({ log, run });
}

/** What only needs an answer. */
function wordsFor(command: MicCommand, build: string): string | undefined {
  if (command.kind === 'help') return command.text;
  return command.kind === 'version' ? `MIC Version: ${build}` : undefined;
}

type Connecting = Pick<Edges, 'config' | 'log' | 'metrics'> & {
  readonly env: Env;
  readonly userAgent: string;
};

async function connect({
  config,
  env,
  log,
  metrics,
  userAgent,
}: Connecting): Promise<Pick<Edges, 'transport' | 'azure'>> {
  const { kubeconfig, master, serviceAccountDir, cloudConfigPath, kubeQps: qps } = config;
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
  return { azure, transport };
}

function meterCall(metrics: Metrics<MicMetricSpecs>, { operation, result, ms }: ArmCall): void {
  metrics.count('armCalls', { operation, result });
  // The original knew reads and changes of hosts only; a change is timed to the end of its operation.
  if (operation === 'operation_get') return;
  if (result === 'ok') metrics.observe('cloudSeconds', ms / 1000, { operation_type: operation });
  else metrics.count('cloudErrors', { operation_type: operation });
}

async function serve(edges: Edges, signal: AbortSignal): Promise<number> {
  const { config, log, transport, azure } = edges;
  for (const { flag, why } of config.ignored) log.warn({ flag, why }, 'this flag has no effect any more');
  if (config.startupTaint === undefined)
    log.info({}, 'start-up taints are left alone (--startup-taint, --nmi-daemonset)');
  const clock = systemClock;
  const random = Math.random;
  // Known a little later, or never: it only fills in the commands that MIC advises.
  let principalId: string | undefined;
  void azure.principalId(signal).then((id) => (principalId = id));
  const events = createEventRecorder({ transport, component: 'aadpodidentity.k8s.io', clock, random, log });
  const controller = startController({
    ...edges,
    hosts: azure.hosts,
    clock,
    random,
    yieldTurn,
    events,
    settings: { ...settingsOf(edges), principalId: () => principalId },
    preflight: async (question) => {
      for (const { message, role, scope, command } of await azure.checkRoles(question)) {
        log.warn({ role, scope, command }, message);
      }
    },
  });
  const original = watchOriginal({ ...edges, events });
  const elector = createElector({ transport, ...config.leader, clock, random, log });
  await Promise.all([
    controller.run(signal),
    azure.watch(signal),
    original
      .standBy(signal)
      .then(() => elector.run(signal, (term) => original.beside(term, controller.lead(term)))),
    keepAdmin(edges, controller, signal),
  ]);
  await events.flush();
  return 0;
}

function settingsOf({ config, azure }: Edges): Omit<ControllerSettings, 'principalId'> {
  return {
    ...config,
    namespace: config.podNamespace,
    version: manifest.version,
    recordAfterMs,
    conditionWritesPerSecond,
    rules: () => planRules(config, azure.clusterClientId()),
  };
}

async function keepAdmin(
  { config, log, metrics }: Edges,
  controller: Controller,
  signal: AbortSignal,
): Promise<void> {
  const health: AdminRoute[] = [
    // As the original answers it: whether this replica is the one that works. A standby is as alive as a leader.
    { path: '/healthz', answer: () => ({ status: 200, body: controller.term ? 'Active' : 'Not Active' }) },
    { path: '/readyz', answer: () => readiness(controller) },
  ];
  const output = standardOutput();
  let lost = 0;
  const text = () => {
    controller.refreshGauges();
    metrics.count('linesLost', undefined, output.lost - lost);
    lost = output.lost;
    return metrics.text();
  };
  const keep = (role: string, at: MicConfig['health'], routes: readonly AdminRoute[]) =>
    keepAdminServer({ ...at, routes, log: log.child({ role }) }, { clock: systemClock, signal });
  await Promise.all([
    keep('health', config.health, health),
    keep('metrics', config.metrics, [createMetricsRoute(text, systemClock)]),
  ]);
}

function readiness({ view }: Controller): { status: number; body: string } {
  if (!view.hasSynced()) return { status: 503, body: 'the watches have not listed everything yet' };
  const silent = [...view.ages()].filter(([, ms]) => ms > longestSilenceMs).map(([plural]) => plural);
  if (silent.length > 0) return { status: 503, body: `nothing heard of: ${silent.join(', ')}` };
  return { status: 200, body: 'ready' };
}
