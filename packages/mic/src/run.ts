// Assembles MIC. `serve` starts what runs as long as the process, `startQueues` and `startLoops` what runs while it leads. All parts
// are wired here.
import { setImmediate as yieldTurn } from 'node:timers/promises';
import { aborted, createLimit } from '@pod-identity/kit/core';
import {
  coreKinds,
  createElector,
  createEventRecorder,
  createResource,
  fenceWrites,
  type LeaderTerm,
} from '@pod-identity/kit/kube';
import { systemClock, type Log } from '@pod-identity/kit/serve';
import { whoDecides } from '@pod-identity/policy';
import { Ledger, type ConfigMap } from './apply/ledger.ts';
import { createHostMemory } from './apply/memory.ts';
import type { MicConfig } from './config/config.ts';
import { runCommand, type Started, type Surroundings } from './commands/command.ts';
import { standBy, sweepLock } from './compat/original.ts';
import { skipsOf } from './plan/desired.ts';
import { keepStartupTaints } from './nodes/taints.ts';
import { createReconciler, type InTurn } from './reconcile.ts';
import { ClusterIndex } from './snapshot/index/cluster-index.ts';
import { createAgentWatch } from './snapshot/watch/agent-watch.ts';
import { createClusterWatch } from './snapshot/watch/cluster-watch.ts';
import { keepAdminServers } from './tell/admin.ts';
import { conditionsOf, ConditionsWriter } from './tell/conditions-writer.ts';
import { createMeter } from './tell/meter.ts';
import { createPublish } from './tell/events.ts';
import { reportSkip } from './tell/report.ts';
import { createHosts } from './term/appliers.ts';
import { createController, type Controller, type Term } from './term/controller.ts';
import { createHostQueues, type HostQueues } from './term/host-queues.ts';
import { startMirror, type Mirrored } from './term/mirror-loop.ts';
import { startLoop } from './term/loop.ts';
import { createRights, createTermRights, type TermRights } from './term/rights.ts';
import { openTerm } from './term/opening.ts';
import type { MicParts, TermParts, WatchingParts } from './term/parts.ts';
import { settingsOf } from './term/settings.ts';

/** Resolves to the exit code. */
export const runMic = (surroundings: Surroundings): Promise<number> => runCommand(surroundings, serve);

/** Runs MIC as a process until the signal aborts. */
async function serve(started: Started) {
  const { config, log, metrics, transport, azure, signal } = started;
  reportIdleSettings(config, log);
  const ambient = { transport, clock: systemClock, random: Math.random, log };
  // Read in the background, and possibly never known: it only completes the commands in messages.
  let principalId: string | undefined;
  void azure.principalId(signal).then((id) => (principalId = id));
  const events = createEventRecorder({ ...ambient, component: 'aadpodidentity.k8s.io' });
  const clusterClientId = () => azure.clusterClientId();
  const settings = settingsOf(config, { clusterClientId, principalId: () => principalId });
  const { hosts } = azure;
  const mic = createMic({ ...ambient, hosts, yieldTurn, metrics, events, settings });
  const { originalLock: lock, leader: lease } = config;
  const onRunning = (isRunning: boolean) => metrics.set('originalRunning', isRunning ? 1 : 0);
  const original = { ...ambient, lock, lease, onRunning };
  const elector = createElector({ ...ambient, ...config.leader });
  await Promise.all([
    // Watches pods, nodes, AzureIdentities, bindings and NMI's pods, so that a new leader starts with complete data.
    mic.run(signal),
    // Reads azure.json again when it changes.
    azure.watch(signal),
    // Joins the election once the original's MIC is gone; while leading, warns of the original's MIC.
    standBy(original, signal).then(() =>
      elector.run(signal, async (term) => {
        await Promise.all([mic.lead(term), sweepLock(original, term)]);
      }),
    ),
    // Health, readiness, metrics, the file of the probes.
    keepAdminServers({ ...started, mic }, signal),
  ]);
  await events.flush();
  return 0;
}

/** Tells what of the configuration has no effect, or less than was probably meant. */
function reportIdleSettings(config: MicConfig, log: Log): void {
  for (const { flag, why } of config.ignored) log.warn({ flag, why }, 'this flag has no effect any more');
  if (config.startupTaint === undefined)
    log.info({}, 'start-up taints are left alone (--startup-taint, --nmi-daemonset)');
  if (config.access.mode === 'namespace') log.warn({}, whoDecides.namespace);
}

/** MIC without a process. */
export function createMic(parts: MicParts): Controller {
  const { transport, clock, random, log, settings } = parts;
  const ambient = { transport, clock, random, log };
  const { namespaceShareBytes, startupTaint, forceNamespaced } = settings;
  const rights = createRights(settings.access, ambient);
  const index = new ClusterIndex({ forceNamespaced }, rights);
  const view = createClusterWatch({
    ...ambient,
    index,
    namespaceShareBytes,
    startupTaint,
  });
  const agents = settings.nmi && createAgentWatch({ ...ambient, daemonSet: settings.nmi });
  const watching = { ...parts, view, index, agents, rights };
  return createController({ ...watching, startTerm: (term) => lead(watching, term) });
}

/** One term of leadership; undefined if it ended before anything could be decided. Writes nothing without the lease. */
async function lead(watching: WatchingParts, term: LeaderTerm): Promise<Term | undefined> {
  const { clock, log, metrics, events, settings } = watching;
  const transport = fenceWrites(watching.transport, () => term.holds());
  const memory = createHostMemory();
  const configMaps = createResource<ConfigMap>(transport, coreKinds.configMaps);
  const ledger = new Ledger({ namespace: settings.namespace, configMaps, term, log });
  const opening = { ...watching, transport, term, memory, ledger };
  if (!(await openTerm(opening))) return undefined;

  const now = () => clock.now();
  const meter = createMeter(metrics, now);
  const publish = createPublish(log, events, () => term.holds() && !term.signal.aborted);
  const parts: TermParts = { ...opening, now, publish, meter };
  const mirrored = startMirror(parts);
  await mirrored.ready;
  if (term.signal.aborted) {
    await mirrored.ended;
    return undefined;
  }
  const conditions = startConditions(parts);
  const queues = startQueues(parts, mirrored, conditions);
  const reviewed = createTermRights(parts);
  const loops = startLoops(parts, { mirrored, queues, conditions, reviewed });
  const ended = Promise.all([loops, mirrored.ended]);
  return {
    ended: aborted(term.signal)
      .then(() =>
        Promise.all([queues.objects.settled(), queues.azure.settled(), ended, conditions.settled()]),
      )
      .then(() => events.settled()),
    depth: () => ({ objects: queues.objects.depth, azure: queues.azure.depth }),
    facts: memory.all,
    meter,
  };
}

/** Runs pieces of work one after another. Before each, timers and sockets run: the lease is renewed however much there is to plan. */
function takingTurns(yieldTurn: () => Promise<void>): InTurn {
  const limit = createLimit(1);
  return (work) => limit(() => yieldTurn().then(work));
}

/** Two lanes for each host (docs/contributor/decisions.md#lanes-and-quiet-time): the first never waits for Azure. */
function startQueues(
  parts: TermParts,
  { mirror: records, assignments }: Mirrored,
  conditions: ConditionsWriter,
): HostQueues {
  const { clock, yieldTurn, log, term, settings, index, memory, now, meter, publish } = parts;
  return createHostQueues({
    clock,
    signal: term.signal,
    log,
    turnsWith: (azure) =>
      createReconciler({
        index,
        records,
        memory,
        rules: settings.rules,
        inTurn: takingTurns(yieldTurn),
        now,
        // Lane `objects`: plans changed pods and writes their AzureAssignedIdentities.
        assignments,
        // Lane `azure`: plans the host as a whole and changes its identities.
        hosts: createHosts(parts, records, conditions),
        azure,
        onPass: (ms) => meter.pass(ms),
        onPlanned: (pods) => {
          for (const skip of pods.flatMap((pod) => skipsOf(index, pod))) publish(reportSkip(skip));
        },
      }),
  });
}

/** Loop: writes conditions of AzureIdentities and AzureIdentityBindings that may have changed, at a limited rate. */
function startConditions(parts: TermParts): ConditionsWriter {
  const { index, memory, now, settings, yieldTurn } = parts;
  return new ConditionsWriter({
    ...parts,
    inTurn: takingTurns(yieldTurn),
    judge: (kind, key) => {
      const world = { index, facts: memory.all, micPrincipalId: settings.principalId() };
      return conditionsOf({ kind, key }, world, new Date(now()).toISOString());
    },
  });
}

interface Startable {
  readonly mirrored: Mirrored;
  readonly queues: HostQueues;
  readonly conditions: ConditionsWriter;
  readonly reviewed: TermRights;
}

/** All other loops of a term. Resolves when none of them has work in progress. */
async function startLoops(parts: TermParts, startable: Startable): Promise<void> {
  const { mirrored, conditions, reviewed, queues } = startable;
  const { term, view, settings, memory, meter } = parts;
  const [{ signal }, { objects }] = [term, queues];
  const untilEnd = (stop: () => void) => signal.addEventListener('abort', stop, { once: true });

  // Measures the time from the creation of a pod to its identity.
  untilEnd(view.onPod((key, pod) => meter.pod(key, pod, mirrored.mirror.of(key).length > 0)));
  // Passes changes to the lanes, and everything once in each resync period.
  const changes = [view, mirrored.mirror, reviewed];
  startLoop({ ...parts, changes, objects, conditions, signal, resyncMs: settings.resyncMs });
  // Reviews rights, for namespaces in mode `rbac` or `warn`.
  const reviews = reviewed.run();
  // A host without nodes is not in the index, but may still carry identities that MIC attached.
  for (const host of memory.all.keys()) objects.poke(host);
  // Removes the start-up taint from nodes whose NMI is ready.
  const { startupTaint: key } = settings;
  if (key !== undefined && parts.agents)
    await keepStartupTaints({ ...parts, agents: parts.agents, key, nodes: view }).catch((error: unknown) =>
      parts.log.error({ error }, 'start-up taints are not looked after in this term'),
    );
  await reviews;
}
