// NMI and its commands.
import { createNodeTaintDoor, type KubeTransport } from '@pod-identity/kit/kube';
import type { Clock } from '@pod-identity/kit/core';
import {
  createMetrics,
  createPrinter,
  printWhole,
  keepProbeFile,
  openProbeFile,
  standardOutput,
  systemClock,
  type Log,
} from '@pod-identity/kit/serve';
import { createAgent, type Agent, type AgentOptions } from './agent.ts';
import { build, connect } from './connect.ts';
import { checkReady } from './commands/check-ready.ts';
import { drain } from './server/drain.ts';
import { keepAdmin } from './admin.ts';
import type { NmiConfig } from './config/config.ts';
import { createSocketOwner } from './server/socket-owner.ts';
import { readBootTime } from './identify/boot-time.ts';
import { metricSpecs } from './tell/metrics.ts';
import { probeListener } from './ready/readiness.ts';
import { assembleRedirect } from './redirect/assemble.ts';
import { installRedirect, uninstallRedirect } from './commands/redirect.ts';
import { notYet, type Redirect } from './redirect/installer.ts';
import { createPathProbe } from './redirect/path-probe.ts';
import { keepPortPins } from './redirect/port-pins.ts';
import { runProgram } from './redirect/run-program.ts';
import { targetOf } from './redirect/target.ts';
import { startServing, type StartOptions } from './server/start.ts';
import type { RunningServer } from './server/server.ts';
import { keepStartupTaintOff } from './ready/startup-taint.ts';

const { version, commit } = build;
const printer = createPrinter((line) => printWhole(`${line}\n`));

/** Resolves to the exit code. */
export function startService(
  config: NmiConfig,
  { log, signal }: { readonly log: Log; readonly signal: AbortSignal },
): Promise<number> {
  const doors = { clock: systemClock, log };
  if (config.command.kind === 'check-ready') return checkReady({ ...config, printer });
  if (config.command.kind === 'install-redirect') return installRedirect(config, doors);
  if (config.command.kind === 'uninstall-redirect') return uninstallRedirect(config, doors);
  return run(config, log, signal);
}

async function run(config: NmiConfig, log: Log, signal: AbortSignal): Promise<number> {
  const file = await openProbeFile(config.probeFile, systemClock.now());
  const transport = await connect(config);
  const { agent, late, metrics, starting } = assemble({ config, log, transport });
  const doors = { clock: systemClock, log };
  const end = startWatching(agent, transport);
  // Before the wait for the port, so that probes get a response.
  const { readiness } = agent;
  const text = () => {
    agent.measure();
    return metrics.text();
  };
  // The body of /healthz is that of the original.
  const health = () => (readiness.hasSynced() ? 'Active' : 'Not Active');
  const kept = [keepAdmin(config, { log, signal, health, problems: readiness.problems, text })];
  kept.push(keepProbeFile({ ...agent.readiness, ...doors, file }, signal));
  // Also before: pods' calls are refused while nobody listens, and never reach the metadata service of the node.
  const { listen, firewall } = config;
  if (config.interception === 'redirect') {
    const target = targetOf(config);
    if (typeof target === 'string') {
      log.error({}, target);
      return 1;
    }
    late.redirect = assembleRedirect(target, firewall, {
      ...doors,
      onRepaired: () => metrics.count('rulesRepaired'),
    });
    kept.push(late.redirect.keep(signal));
  }
  const sockets = [listen, config.probe, config.metrics];
  kept.push(keepPortPins({ ...doors, ...firewall, sockets, run: runProgram }, signal));
  const server = await startServing(starting, signal);
  if (server === undefined) return end(kept);
  late.server = server;
  reportListener(server, config, log);
  const node = createNodeTaintDoor(transport, config.node);
  const taint = { ...agent.readiness, ...doors, node, key: config.startupTaint };
  kept.push(keepStartupTaintOff(taint, signal));

  await Promise.all(kept);
  await drain(server, agent, systemClock);
  return end(kept);
}

/** The agent, and how its listener is started. */
function assemble({ config, log, transport }: Pick<AgentOptions, 'config' | 'log' | 'transport'>) {
  const clock = systemClock;
  const metrics = createMetrics(metricSpecs);
  // Created after the agent, which needs them for readiness.
  const late: { server?: RunningServer; redirect?: Redirect } = {};
  const owner = createSocketOwner();
  const { listen, podRequestsPerSecond: requestsPerSecond } = config;
  const doors = { config, transport, clock, random: Math.random, log, metrics, bootedAt: readBootTime() };
  const agent = createAgent({
    ...doors,
    output: standardOutput(),
    ...wayOfCalls(config, clock, () => late.redirect),
    selfTest: async () => late.server !== undefined && (await probeListener(late.server)),
  });
  const { app, onLimited, neighbourOf, readiness } = agent;
  const server = {
    ...listen,
    requestsPerSecond,
    random: Math.random,
    onLimited,
    neighbourOf,
    app,
    clock,
    owner,
  };
  const starting: StartOptions = { server, canServe: readiness.canServe, clock, log };
  return { agent, late, metrics, starting };
}

/** The watches run until the last response, for requests that wait. Returns the function that ends everything. */
function startWatching(agent: Agent, transport: KubeTransport) {
  const watch = new AbortController();
  const watched = agent.run(watch.signal);
  return async (kept: readonly Promise<void>[]): Promise<number> => {
    watch.abort();
    await Promise.all([...kept, watched]);
    await Promise.all([agent.close(), transport.close()]);
    return 0;
  };
}

function reportListener(
  { address, port, sharing }: RunningServer,
  { node, mode }: NmiConfig,
  log: Log,
): void {
  log.info({ address, port, node, mode, version, commit }, 'listening');
  if (sharing === 'alone')
    log.warn(
      {},
      'this kernel cannot share a port (SO_REUSEPORT): while the agent is replaced, calls of pods are refused for a moment',
    );
}

/** How readiness tests that calls of pods reach NMI; without redirect this cannot be tested. */
function wayOfCalls(config: NmiConfig, clock: Clock, redirect: () => Redirect | undefined) {
  if (config.interception !== 'redirect') return {};
  return {
    redirectProblem: () => {
      const current = redirect();
      return current ? current.problem() : notYet;
    },
    throughRedirect: createPathProbe(config.metadata, clock),
  };
}
