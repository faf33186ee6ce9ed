// One host, the part of MIC that changes it, and a simulated ARM, on a clock that jumps to the next due timer.
import type { Host } from '@pod-identity/crd-types';
import type { LeaderTerm } from '@pod-identity/kit/kube';
import type { AzureOptions } from '@pod-identity/sim';
import { HostChanger, type HostResult } from '../src/apply/apply-host.ts';
import { createHostQueue } from '../src/apply/host-queue.ts';
import { Ledger, type ConfigMap } from '../src/apply/ledger.ts';
import { createHostMemory } from '../src/apply/memory.ts';
import { createFakeResource } from '../src/apply/test/fake-kube.ts';
import { createFakeLog } from '../src/apply/test/fake-log.ts';
import { Records } from '../src/plan/records.ts';
import * as build from '../src/plan/test/builders.ts';
import { createReconciler } from '../src/reconcile.ts';
import { ClusterIndex } from '../src/snapshot/index/cluster-index.ts';
import { factsFromRecord } from '../src/snapshot/facts/host-facts.ts';
import { identityId, startTestAzure } from './azure-harness.ts';

export const minuteMs = 60_000;
const stepMs = 100;

/** A namespace's identities, all bound to the one pod that needs them. */
export interface Tenant {
  readonly namespace: string;
  readonly names: readonly string[];
}

export type HostScene = Awaited<ReturnType<typeof createHostScene>>;

export async function createHostScene(options: AzureOptions = {}) {
  const azure = await startTestAzure({ armLatencyMs: 5_000, throttle: true, ...options });
  const { clock, sim } = azure;
  const host: Host = azure.addHost('vmss', 'pool');
  const instance = `azure://${host.id}/virtualMachines/0`;
  const index = new ClusterIndex({ forceNamespaced: true });
  index.apply({ kind: 'node', key: 'node-0', view: build.node('node-0', instance) });
  const configMaps = createFakeResource<ConfigMap>('record', (_name, apply) => Promise.resolve(apply()));
  const startedAt = clock.now();
  /** When each identity was first seen on the host. */
  const attachedAt = new Map<string, number>();
  const results: HostResult[] = [];
  const crashes: unknown[] = [];
  const running = new Set<Promise<void>>();
  let room = azure.azure;
  let term = await startTerm();

  async function startTerm() {
    const ending = new AbortController();
    const { signal } = ending;
    const lease: LeaderTerm = { signal, holds: () => !signal.aborted };
    const memory = createHostMemory();
    const now = () => clock.now();
    const ledger = new Ledger({ configMaps, namespace: 'mic', term: lease, log: createFakeLog() });
    for (const record of await ledger.load()) memory.keep(factsFromRecord(record));
    const reconciler = createReconciler({
      index,
      records: new Records(),
      memory,
      now,
      rules: () => ({ ...build.rules, forceNamespaced: true }),
      inTurn: (work) => Promise.resolve().then(work),
      azure: { poke: (on, how) => azureLane.poke(on, how) },
      onPass: () => undefined,
      onPlanned: () => undefined,
      assignments: { apply: () => Promise.resolve({ unfinished: [], wakeAt: undefined }) },
      hosts: new HostChanger({
        identities: room.hosts,
        ledger,
        memory,
        term: lease,
        now,
        random: () => 0.5,
        isNeeded: (on, id) => index.need(on).has(id),
        granted: (on) => index.granted(on).keys(),
        claimants: (id) => index.objects.claimants(id),
        report: (result) => void results.push(result),
        onRecordNotSaved: () => undefined,
      }),
    });
    const onCrash = (_host: string, problem: unknown) => void crashes.push(problem);
    const tracked = (turn: () => Promise<number | undefined>) => () => {
      const ended = turn();
      const done = ended.then(
        () => undefined,
        () => undefined,
      );
      running.add(done);
      void done.finally(() => running.delete(done));
      return ended;
    };
    const objects = createHostQueue({
      clock,
      signal,
      onCrash,
      isGone: () => reconciler.isGone(host.id),
      quietMs: 25,
      busyMs: 25,
      longestMs: 25,
      turn: tracked(() => reconciler.objects(host.id)),
    });
    const azureLane = createHostQueue({
      clock,
      signal,
      onCrash,
      isGone: () => reconciler.isGone(host.id),
      quietMs: 500,
      busyMs: 500,
      longestMs: 5_000,
      turn: tracked(async () => {
        const wakeAt = await reconciler.azure(host.id);
        note();
        objects.poke(host.id, { now: true });
        return wakeAt;
      }),
    });
    index.markAllDirty();
    objects.poke(host.id);
    return {
      memory,
      poke: () => objects.poke(host.id),
      end: () => ending.abort(new Error('the term is over')),
    };
  }

  const note = () => {
    for (const id of sim.azure.world.attachedTo(host.id)) {
      const name = id.slice(id.lastIndexOf('/') + 1);
      if (!attachedAt.has(name)) attachedAt.set(name, clock.now());
    }
  };
  const addPods = ({ namespace, names }: Tenant) => {
    for (const name of names) {
      const spec = { type: 0, resourceID: identityId(name), clientID: build.clientIdOf(name) };
      const view = build.identity({ namespace, name, spec });
      index.apply({ kind: 'identity', key: view.key, view });
      const binding = build.binding({ namespace, azureIdentity: name, selector: namespace });
      index.apply({ kind: 'binding', key: binding.key, view: binding });
    }
    const view = build.pod({ namespace, name: 'pod', label: namespace });
    index.apply({ kind: 'pod', key: `${namespace}/pod`, view });
    term.poke();
  };
  return {
    azure,
    host,
    clock,
    index,
    results,
    addPods,
    removePods: (namespace: string) => index.apply({ kind: 'pod', key: `${namespace}/pod`, view: undefined }),
    /** The identities exist in Azure. */
    create: (...names: readonly string[]) => azure.addIdentities(...names),
    deleteInAzure(...names: readonly string[]) {
      for (const name of names) sim.azure.world.deleteIdentity(identityId(name));
    },
    isAttached: (name: string) => sim.azure.world.attachedTo(host.id).some((id) => id.endsWith(`/${name}`)),
    facts: () => term.memory.facts(host.id),
    record: () => [...configMaps.objects.values()][0]?.data?.['record.json'] ?? '',
    /** Minutes from the start until it was on the host; undefined if it is not there. */
    attachedAfter: (name: string) => {
      const at = attachedAt.get(name);
      return at === undefined ? undefined : (at - startedAt) / minuteMs;
    },
    patches: () => azure.patches(host),
    minutes: () => (clock.now() - startedAt) / minuteMs,
    async run(ms: number) {
      for (const until = clock.now() + ms; clock.now() < until;) {
        clock.jump(Math.min(stepMs, until - clock.now()));
        await Promise.resolve();
        while (running.size > 0) await Promise.all(running);
      }
      if (crashes.length > 0) throw new Error('a turn crashed', { cause: crashes[0] });
    },
    /** Names of the identities that IMDS on the machines serves. */
    usable: () => {
      const { attached } = sim.azure.world.hostRecord(host.id)!.effective;
      return [...attached.keys()].map((id) => id.slice(id.lastIndexOf('/') + 1)).sort();
    },
    async runUntil(what: () => boolean, withinMs: number) {
      for (const end = clock.now() + withinMs; !what() && clock.now() < end;) await this.run(1_000);
    },
    /** Another process becomes the leader, with only the records. */
    async replaceLeader() {
      term.end();
      room = await azure.reconnect();
      term = await startTerm();
    },
    [Symbol.asyncDispose]: () => azure[Symbol.asyncDispose](),
  };
}
