import { createTenantBudgets, RecentMap, type Clock, type Tenant } from '@pod-identity/kit/core';
import type { EventRecorder } from '@pod-identity/kit/kube';
import { redactText } from '@pod-identity/kit/serve';
import type { SentResponse, Outcome } from '../respond/outcome.ts';
import type { PodView } from '../identify/pod-view.ts';
import { briefOf } from './brief.ts';
import { eventReasonOf, type EventReason } from './event-reason.ts';

export interface PodEventsOptions {
  readonly recorder: Pick<EventRecorder, 'record'>;
  readonly podNamed: (namespace: string, name: string) => PodView | undefined;
  readonly clock: Clock;
  /** `dropped`: too many Events of the namespace, or the API server did not accept it. */
  readonly onEvent: (reason: EventReason, result: 'recorded' | 'dropped') => void;
}

/** At most one Event of a kind for a pod in this time. */
const quietMs = 5 * 60_000;
const rememberedEvents = 2_000;
const eventBudgets = { namespace: { burst: 20, perSecond: 0.2 }, pod: { burst: 5, perSecond: 0.05 } };

/** Best effort: writes a Warning on the pod for each refusal, at a limited rate. */
export function createPodEvents(options: PodEventsOptions): (sent: SentResponse) => void {
  const { recorder, podNamed, clock, onEvent } = options;
  const quiet = createQuiet(clock);

  const record = (pod: PodView, reason: EventReason, message: string) => {
    const { uid, namespace, name } = pod;
    const event = `${uid} ${reason}`;
    const due = quiet.isDue(event, { namespace, pod: name });
    if (due === 'repeated') return;
    onEvent(reason, due === 'now' ? 'recorded' : 'dropped');
    if (due !== 'now') return;
    const involved = { apiVersion: 'v1', kind: 'Pod', namespace, name, uid };
    recorder.record({ type: 'Warning', reason, message, involved }, (isWritten) => {
      if (isWritten) return;
      // The next refusal tries again.
      quiet.forget(event);
      onEvent(reason, 'dropped');
    });
  };

  return ({ outcome }) => {
    const refused = eventReasonOf(outcome);
    if (refused === undefined) return;
    const message = clean(briefOf(refused.outcome));
    for (const key of podsOf(refused.outcome)) {
      const [namespace = '', name = ''] = key.split('/');
      const pod = podNamed(namespace, name);
      if (pod) record(pod, refused.reason, message);
    }
  };
}

/** Azure's texts may repeat input of the caller. */
function clean(text: string): string {
  return redactText(text).replaceAll(/\p{Cc}+/gu, ' ');
}

function podsOf(outcome: Outcome): readonly string[] {
  if (outcome.kind === 'ambiguous-caller') return outcome.pods;
  return 'pod' in outcome ? [outcome.pod] : [];
}

function createQuiet(clock: Clock) {
  const last = new RecentMap<string, number>(rememberedEvents);
  const budgets = createTenantBudgets(eventBudgets);
  return {
    isDue(event: string, tenant: Tenant): 'now' | 'repeated' | 'too-many' {
      const now = clock.elapsed();
      const before = last.get(event);
      if (before !== undefined && now - before < quietMs) return 'repeated';
      if (!budgets.take(tenant, now)) return 'too-many';
      last.set(event, now);
      return 'now';
    },
    forget: (event: string) => void last.delete(event),
  };
}
