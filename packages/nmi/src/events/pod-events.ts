// The events room: says on the pod itself why it got no token, where its owner looks. Courtesy: late or never rather than in
// the way. It must not decide anything, and nothing that a caller wrote by itself makes an Event.
import { createTokenBucket, type Clock } from '@pod-identity/kit/core';
import type { EventRecorder } from '@pod-identity/kit/kube';
import { redactText } from '@pod-identity/kit/serve';
import type { Answered } from '../app.ts';
import type { PodView } from '../identify/pod-view.ts';
import type { Outcome } from '../respond/outcome.ts';
import { refusalOf } from '../respond/refusals.ts';
import { withoutIds } from '../tokens/token-errors.ts';
import { eventReasonOf, type EventReason } from './event-reason.ts';

export interface PodEventsOptions {
  readonly recorder: Pick<EventRecorder, 'record'>;
  readonly podNamed: (namespace: string, name: string) => PodView | undefined;
  readonly clock: Clock;
  /** `dropped`: all pods of the node together are refused too often. */
  readonly onEvent: (reason: EventReason, result: 'recorded' | 'dropped') => void;
}

/** A pod that repeats itself has one Event of a kind in this time. */
const quietMs = 5 * 60_000;
const rememberedEvents = 2_000;
/** For all pods of the node: the API server is everybody's. */
const nodeBurst = 20;
const nodePerSecond = 0.2;

/** A Warning on the pod for each refusal, at a limited rate. */
export function createPodEvents(options: PodEventsOptions): (answered: Answered) => void {
  const { recorder, podNamed, clock, onEvent } = options;
  const isDue = createQuiet(clock);

  const record = (pod: PodView, reason: EventReason, message: string) => {
    const { uid, namespace, name } = pod;
    const due = isDue(`${uid} ${reason}`);
    if (due === 'repeated') return;
    onEvent(reason, due === 'now' ? 'recorded' : 'dropped');
    if (due === 'now') {
      const involved = { apiVersion: 'v1', kind: 'Pod', namespace, name, uid };
      recorder.record({ type: 'Warning', reason, message, involved });
    }
  };

  return ({ outcome }) => {
    const refused = eventReasonOf(outcome);
    if (refused === undefined) return;
    const message = clean(refusalOf(refused.outcome, 503).description);
    for (const key of podsOf(refused.outcome)) {
      const [namespace = '', name = ''] = key.split('/');
      const pod = podNamed(namespace, name);
      if (pod) record(pod, refused.reason, message);
    }
  };
}

/** Azure's words may repeat the caller's: they are not to pass for anything else. */
function clean(text: string): string {
  return redactText(withoutIds(text)).replaceAll(/\p{Cc}+/gu, ' ');
}

function podsOf(outcome: Outcome): readonly string[] {
  if (outcome.kind === 'ambiguous-caller') return outcome.pods;
  return 'pod' in outcome ? [outcome.pod] : [];
}

function createQuiet(clock: Clock): (event: string) => 'now' | 'repeated' | 'too-many' {
  const last = new Map<string, number>();
  const node = createTokenBucket({
    capacity: nodeBurst,
    refillPerMs: nodePerSecond / 1000,
    now: clock.now(),
  });
  return (event) => {
    const now = clock.now();
    const before = last.get(event);
    if (before !== undefined && now - before < quietMs) return 'repeated';
    if (node.take(now) > 0) return 'too-many';
    const oldest = last.size < rememberedEvents ? undefined : last.keys().next().value;
    if (oldest !== undefined) last.delete(oldest);
    last.delete(event);
    last.set(event, now);
    return 'now';
  };
}
