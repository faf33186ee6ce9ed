// Room: what NMI says besides the response: metrics, log lines, the audit, Events.
// It must not change an outcome, or contain a secret, a token or an assertion.
import type { LimitEffect } from '@pod-identity/kit/core';
import { createEventRecorder, type KubeAmbient } from '@pod-identity/kit/kube';
import type { Log, Metrics, Output } from '@pod-identity/kit/serve';
import type { SentResponse } from '../respond/outcome.ts';
import { createAudit } from './audit.ts';
import type { NmiConfig } from '../config/config.ts';
import { createDecisionLog } from './decision-log.ts';
import { createPodEvents } from './pod-events.ts';
import type { PodInformer } from '../identify/pod-directory.ts';
import { createLimitLog } from './limit-log.ts';
import type { metricSpecs } from './metrics.ts';

export interface TelemetryOptions extends KubeAmbient {
  readonly config: Pick<NmiConfig, 'audit' | 'events' | 'log' | 'node'>;
  readonly output: Pick<Output, 'write' | 'lost'>;
  readonly metrics: Metrics<typeof metricSpecs>;
  readonly pods: Pick<PodInformer, 'named' | 'filedUnder'>;
}

export type Telemetry = ReturnType<typeof createTelemetry>;

const closingMs = 1_000;

export function createTelemetry(options: TelemetryOptions) {
  const { config, clock, log, output, metrics, pods } = options;
  const logDecision = createDecisionLog(log, clock);
  const events = createEvents(options);
  const audit = config.audit ? createAudit({ format: config.log.format, output, clock }) : ignore;
  const logLimited = createLimitLog(log, clock, (peer) => pods.filedUnder(peer));
  let lost = 0;

  return {
    onSent(sent: SentResponse): void {
      const { route, outcome, status, ms } = sent;
      metrics.observe('operations', ms / 1000, { operation_type: route, status_code: String(status) });
      metrics.count('outcomes', { outcome: outcome.kind });
      if ('from' in outcome) metrics.count('cache', { result: outcome.from });
      audit(sent);
      logDecision(sent);
      events.report(sent);
    },
    onLimited(effect: LimitEffect, peer: string): void {
      metrics.count('limited', { effect });
      logLimited(effect, peer);
    },
    /** Updates the metrics. */
    measure(): void {
      metrics.count('linesLost', undefined, output.lost - lost);
      lost = output.lost;
    },
    /** Waits a moment for Events to be written. */
    close: () => events.close(),
  };
}

function createEvents({ config, transport, clock, random, log, metrics, pods }: TelemetryOptions) {
  if (!config.events) return { report: ignore, close: () => Promise.resolve() };
  // While the API server does not respond, the log has enough other lines.
  const quiet: Log = { ...log, warn: (fields, message) => log.debug(fields, message) };
  const recorder = createEventRecorder({
    transport,
    clock,
    random,
    log: quiet,
    component: 'aad-pod-identity-nmi',
    // Admission can check it against the node of the token (deploy/policies).
    host: config.node,
    maxQueued: 100,
  });
  const report = createPodEvents({
    recorder,
    clock,
    podNamed: (namespace, name) => pods.named(namespace, name),
    onEvent: (reason, result) => metrics.count('events', { reason, result }),
  });
  return { report, close: () => Promise.race([recorder.flush(), clock.sleep(closingMs)]) };
}

const ignore = () => undefined;
