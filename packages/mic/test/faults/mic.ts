// A whole MIC on the clock of a scene. It leads under a term given by the test, or stands for election like a real one.
import { setImmediate as yieldTurn } from 'node:timers/promises';
import type { AccessMode } from '@pod-identity/crd-types';
import type { Clock } from '@pod-identity/kit/core';
import {
  connectKube,
  createElector,
  createEventRecorder,
  type KubeRequest,
  type KubeTransport,
  type LeaderTerm,
} from '@pod-identity/kit/kube';
import { createLog, createMetrics } from '@pod-identity/kit/serve';
import { connectAzure } from '../../src/azure/connect.ts';
import { createMic } from '../../src/run.ts';
import type { Controller } from '../../src/term/controller.ts';
import type { MicSettings } from '../../src/term/settings.ts';
import { micMetrics } from '../../src/tell/metrics.ts';
import type { PlanRules } from '../../src/plan/types.ts';
import { own } from '../stage.ts';

export interface MicOptions {
  readonly name?: string;
  /** Stands for election; else it leads from the beginning, until it is stopped or deposed. */
  readonly elected?: boolean;
  readonly rules?: Partial<PlanRules>;
  /** Mode of --identity-access. */
  readonly access?: AccessMode;
  /** Called for each request of the controller. */
  readonly onRequest?: (request: KubeRequest) => void;
}

export interface RunningMic {
  readonly controller: Controller;
  /** Log lines as JSON. */
  readonly lines: readonly string[];
  metrics(): Promise<string>;
  /** Its term is over from one moment to the next; it goes on watching. */
  depose(): void;
  /** The same, but no timer has told it yet: as in a process that was starved. */
  deposeUnnoticed(): void;
  /** As at SIGTERM. */
  stop(): Promise<void>;
}

interface Place {
  readonly kubeconfig: string;
  readonly cloudConfigPath: string;
  readonly imds: string;
  readonly clock: Clock;
  readonly options: MicOptions & { readonly name: string };
}

/** Chance that is the same in every run. */
function createRandom(): () => number {
  let state = 1;
  return () => {
    state = (state * 48_271) % 0x7fffffff;
    return state / 0x7fffffff;
  };
}

const lease = { durationMs: 15_000, renewMs: 5_000, retryMs: 2_000 };

export async function runMic(place: Place): Promise<RunningMic> {
  const { clock, options, kubeconfig, cloudConfigPath } = place;
  const { name } = options;
  const random = createRandom();
  const lines: string[] = [];
  const log = createLog({
    component: name,
    level: 'debug',
    format: 'json',
    destination: { write: (line) => void lines.push(line) },
  });
  const userAgent = `test/${name}`;
  const env = { AZURE_POD_IDENTITY_AUTHORITY_HOST: place.imds };
  const azure = await connectAzure({ cloudConfigPath, env, clock, random, userAgent, log });
  const transport = await connectKube({ kubeconfig, userAgent, clock });
  const metrics = createMetrics(micMetrics);
  const events = createEventRecorder({ transport, component: 'aadpodidentity.k8s.io', clock, random, log });
  const watched: KubeTransport = {
    ...transport,
    request: (request) => {
      options.onRequest?.(request);
      return transport.request(request);
    },
  };
  const controller = createMic({
    transport: watched,
    clock,
    random,
    yieldTurn,
    log,
    metrics,
    events,
    hosts: azure.hosts,
    settings: settingsOf(options, azure.clusterClientId()),
  });

  const stopping = new AbortController();
  const deposed = new AbortController();
  const signal = AbortSignal.any([stopping.signal, deposed.signal]);
  let isStarved = false;
  const given: LeaderTerm = { signal, holds: () => !signal.aborted && !isStarved };
  const elector = createElector({
    transport,
    clock,
    random,
    log,
    ...lease,
    namespace: own,
    name: 'aad-pod-identity-mic',
    identity: name,
  });
  const lead = (term: LeaderTerm) => controller.lead(term);
  const running = Promise.all([
    controller.run(stopping.signal),
    options.elected ? elector.run(stopping.signal, lead) : lead(given),
  ]);
  let ended: Promise<void> | undefined;
  const stop = async () => {
    stopping.abort(new Error('stopped by the test'));
    await running;
    azure.close();
    await transport.close().catch(() => undefined);
  };
  return {
    controller,
    lines,
    metrics: () => {
      controller.refreshGauges();
      return metrics.text();
    },
    deposeUnnoticed: () => void (isStarved = true),
    depose: () => deposed.abort(new Error('deposed by the test')),
    stop: () => (ended ??= stop()),
  };
}

/** As the program has them by default, but for the grace. */
function settingsOf({ rules, access }: MicOptions, clusterClientId: string): MicSettings {
  return {
    namespace: own,
    forceNamespaced: false,
    ...(access && { access: { mode: access, recheckMs: 300_000 } }),
    recordAfterMs: 2_000,
    writesPerHost: 20,
    resyncMs: 3_600_000,
    rules: () => ({
      forceNamespaced: false,
      immutableClientIds: new Set([clusterClientId.toLowerCase()]),
      detachGraceMs: 0,
      driftPeriodMs: 180_000,
      ...rules,
    }),
    principalId: () => undefined,
  };
}
