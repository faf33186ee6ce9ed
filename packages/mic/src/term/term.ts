// One term of leadership: what is built at its start, all of it gone at its end. Built in the order in which it is needed:
// stored objects respelled, records read, watches synced, and only then the first decision.
import type { ResourceId } from '@pod-identity/crd-types';
import { createBackoff } from '@pod-identity/kit/core';
import { coreKinds, createResource, fenceWrites, KubeError, type LeaderTerm } from '@pod-identity/kit/kube';
import { conditionsOf, createConditionsWriter, type ConditionsWriter } from '../tell/conditions-writer.ts';
import { createHostQueue, type HostQueue } from '../apply/host-queue.ts';
import { createLedger, type ConfigMap } from '../apply/ledger.ts';
import { createHostMemory } from '../apply/memory.ts';
import { createPace } from '../apply/pace.ts';
import { keepStartupTaints } from '../apply/startup-taints.ts';
import { upgradeStoredObjects } from '../apply/upgrade.ts';
import type { ControllerDeps } from './deps.ts';
import { hostKeyOf, startLoop } from './loop.ts';
import { createMeter, type Meter } from '../tell/meter.ts';
import { createReconciler } from '../reconcile.ts';
import type { AgentViewSource } from '../snapshot/watch/agent-view.ts';
import type { ClusterIndex } from '../snapshot/index/cluster-index.ts';
import type { ClusterView } from '../snapshot/watch/cluster-view.ts';
import type { HostFacts } from '../snapshot/facts/facts.ts';
import { factsFromRecord } from '../snapshot/facts/host-facts.ts';
import { createAppliers, type TermState, type Told } from './appliers.ts';

export interface Term {
  /** Resolves once the term is over and nothing of it is on its way any more. */
  readonly ended: Promise<void>;
  depth(): { readonly objects: number; readonly azure: number };
  readonly facts: ReadonlyMap<ResourceId, HostFacts>;
  readonly meter: Meter;
}

export interface TermScene {
  readonly term: LeaderTerm;
  readonly view: ClusterView;
  readonly index: ClusterIndex;
  /** NMI's pods; undefined where the start-up taint is left alone. */
  readonly agents: AgentViewSource | undefined;
}

/** A pass over what the API server alone can serve waits only so long: enough to see what came together as one. */
const objectsQuietMs = 25;
/** Planning leaves the event loop to others after this. */
const sliceMs = 8;

/** Undefined when the term ended before anything could be decided. Nothing of it is written without the lease. */
export async function startTerm(given: ControllerDeps, scene: TermScene): Promise<Term | undefined> {
  const { term, view } = scene;
  const deps = { ...given, transport: fenceWrites(given.transport, () => term.holds()) };
  const memory = createHostMemory();
  const ledger = createLedger({
    configMaps: createResource<ConfigMap>(deps.transport, coreKinds.configMaps),
    namespace: deps.settings.namespace,
    term,
    log: deps.log,
  });
  try {
    await upgrade(deps, term);
    const records = await insist(deps, term, () => ledger.load());
    for (const record of records) memory.keep(factsFromRecord(record));
    for (const { host, subscriptionNotBefore } of records)
      memory.holdSubscription(host.id, subscriptionNotBefore);
    await Promise.race([view.synced, aborted(term.signal)]);
  } catch (error) {
    if (term.signal.aborted) return undefined;
    throw error;
  }
  if (term.signal.aborted || !view.hasSynced()) return undefined;
  return openTerm(deps, { ...scene, memory, ledger });
}

function openTerm(deps: ControllerDeps, state: TermState & TermScene): Term {
  const { clock, settings, random, yieldTurn } = deps;
  const { index, view, memory, term } = state;
  const { signal } = term;
  const meter = createMeter(deps.metrics, () => clock.now());
  const conditions = createConditions(deps, state);
  const { objects, azure } = createLanes(deps, state, { meter, conditions });
  const stopWatching = view.onPod((key, pod) => meter.pod(key, pod, index.assignedOf(key).length > 0));
  signal.addEventListener('abort', stopWatching, { once: true });
  const { resyncMs } = settings;
  startLoop({ index, view, objects, conditions, clock, signal, resyncMs, random, yieldTurn });
  // A host whose nodes are all gone is in no index any more, but may still carry what is ours.
  for (const host of memory.all.keys()) objects.poke(host);
  const startup = keepStartup(deps, state);
  return {
    ended: aborted(signal)
      .then(() => Promise.all([objects.settled(), azure.settled(), startup]))
      .then(() => undefined),
    depth: () => ({ objects: objects.depth, azure: azure.depth }),
    facts: memory.all,
    meter,
  };
}

async function keepStartup(deps: ControllerDeps, { term, view, agents }: TermScene): Promise<void> {
  const { transport, clock, random, log, settings } = deps;
  if (agents === undefined || settings.startupTaint === undefined) return;
  const startupView = {
    tainted: () => view.taintedNodes(),
    taintedNode: (name: string) => view.taintedNode(name),
    agentsOn: (node: string) => agents.on(node),
    onChange(listener: (node: string) => void) {
      const ends = [view.onNode(listener), agents.onChange(listener)];
      return () => ends.forEach((end) => end());
    },
  };
  const { key } = settings.startupTaint;
  await keepStartupTaints({ key, view: startupView, transport, term, clock, random, log }).catch(
    (error: unknown) => log.error({ error }, 'start-up taints are not looked after in this term'),
  );
}

function createConditions(deps: ControllerDeps, { term, index, memory }: TermState): ConditionsWriter {
  const { transport, clock, log, settings, yieldTurn } = deps;
  return createConditionsWriter({
    ...{ transport, term, clock, log },
    pace: createPace({ now: () => clock.now(), sliceMs, yieldTurn }),
    perSecond: settings.conditionWritesPerSecond,
    judge: (kind, key) => {
      const world = { index, facts: memory.all, micPrincipalId: settings.principalId() };
      return conditionsOf({ kind, key }, world, new Date(clock.now()).toISOString());
    },
  });
}

/** What the API server alone can serve, and what needs Azure: a queue of hosts for each. */
function createLanes(
  deps: ControllerDeps,
  state: TermState,
  told: Told,
): { objects: HostQueue; azure: HostQueue } {
  const { clock, settings, log, yieldTurn } = deps;
  const { signal } = state.term;
  const now = () => clock.now();
  const reconciler = createReconciler({
    ...createAppliers(deps, state, told),
    index: state.index,
    memory: state.memory,
    rules: () => settings.rules(),
    pace: createPace({ now, sliceMs, yieldTurn }),
    now,
    askAzure: (host, how) => azure.poke(host.id, how),
    onPass: (ms) => told.meter.pass(ms),
  });
  const onCrash = (host: string, error: unknown) => log.error({ host, error }, 'pass crashed');
  const objects = createHostQueue({
    ...{ clock, signal, onCrash },
    quietMs: objectsQuietMs,
    longestMs: objectsQuietMs,
    turn: (host) => reconciler.objects(hostKeyOf(host)),
  });
  const azure = createHostQueue({
    ...{ clock, signal, onCrash },
    quietMs: settings.debounceMs,
    longestMs: settings.debounceMaxMs,
    turn: async (host) => {
      const wakeAt = await reconciler.azure(hostKeyOf(host));
      objects.poke(host, { now: true });
      return wakeAt;
    },
  });
  return { objects, azure };
}

/** Reading never depends on it, so that a cluster where it fails is served all the same; the next term tries again. */
async function upgrade({ transport, settings, log }: ControllerDeps, term: LeaderTerm): Promise<void> {
  const { enabled, configMap, key } = settings.typeUpgrade;
  if (!enabled) return;
  const marker = { namespace: settings.namespace, name: configMap, key, version: settings.version };
  try {
    await upgradeStoredObjects({ transport, term, log, marker });
  } catch (error) {
    if (term.signal.aborted || !(error instanceof KubeError)) throw error;
    log.warn({ why: error.message }, 'stored objects could not be upgraded');
  }
}

/** Without the records nothing may be decided: what was attached by MIC would look as if others had attached it. */
async function insist<T>(
  { clock, random, log }: ControllerDeps,
  { signal }: LeaderTerm,
  task: () => Promise<T>,
): Promise<T> {
  const backoff = createBackoff({ baseMs: 1_000, capMs: 5_000, random });
  for (;;) {
    try {
      return await task();
    } catch (error) {
      if (signal.aborted || !(error instanceof KubeError)) throw error;
      log.error({ why: error.message }, 'host records cannot be read; nothing is done before they are');
      await clock.sleep(backoff.next(), signal);
    }
  }
}

function aborted(signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    if (signal.aborted) resolve();
    else signal.addEventListener('abort', () => resolve(), { once: true });
  });
}
