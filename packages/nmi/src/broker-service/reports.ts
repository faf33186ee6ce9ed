// What the broker says besides its responses: audit lines, warnings, metrics.
import {
  createBudgets,
  createShareMap,
  limitEffects,
  type Clock,
  type Keyed,
  type MetricSpec,
} from '@pod-identity/kit/core';
import type { Log } from '@pod-identity/kit/serve';
import { redactId } from '../tokens/errors.ts';
import type { Issuance } from './broker.ts';
import { brokerErrorCodes } from '../broker/wire.ts';

const prefix = 'aadpodidentity_broker_';

export const brokerMetrics = {
  responses: {
    kind: 'counter',
    name: `${prefix}responses_total`,
    help: 'Responses of the broker to NMI: token, or the code of the refusal.',
    labels: { result: ['token', ...brokerErrorCodes] },
  },
  exchanges: {
    kind: 'histogram',
    name: `${prefix}exchange_duration_seconds`,
    help: 'Time of requests to Microsoft Entra, by whether they gave a token.',
    labels: { result: ['token', 'failed'] },
    buckets: [0.05, 0.1, 0.2, 0.5, 1, 2, 5, 10],
  },
  limited: {
    kind: 'counter',
    name: `${prefix}limited_total`,
    help: 'What the broker did to callers over their limits, as in aadpodidentity_nmi_limited_total.',
    labels: { effect: limitEffects },
  },
  ready: { kind: 'gauge', name: `${prefix}ready`, help: '1 if /readyz last returned 200; otherwise 0.' },
} as const satisfies Record<string, MetricSpec>;

/** Entries of a namespace, and of all: a first line that was forgotten is written again. */
const kept = { perNamespace: 1_024, total: 16_384 };
const longestResource = 256;

/** One line for the first token of each pod, identity and resource. None is left out: exchanges and reads of pods have limits by namespace. */
export function createIssuanceLog(log: Log): (issuance: Issuance) => void {
  const written = createShareMap<Keyed>(kept);
  return ({ request: { pod, tenant, clientId, resource }, node, account }) => {
    const { namespace, name, uid } = pod;
    const key = `${uid} ${tenant} ${clientId} ${resource}`;
    if (written.get(key)) return;
    written.set({ namespace, key, weight: 1 + Math.floor(key.length / 256) });
    const shown = {
      node,
      pod: `${namespace}/${name}`,
      uid,
      serviceAccount: `${namespace}/${account}`,
      resource: resource.slice(0, longestResource),
    };
    log.info({ ...shown, client: redactId(clientId) }, 'token issued');
  };
}

/** Once a minute: while the API server fails, every request of every pod fails in the same way. */
const unanswered = { burst: 1, perSecond: 1 / 60 };

/** One line a minute for each kind of request that the API server does not answer. */
export function createUnansweredLog(log: Log, clock: Pick<Clock, 'elapsed'>) {
  const budgets = createBudgets(unanswered);
  return (what: string, error: unknown): void => {
    if (budgets.take(what, clock.elapsed()))
      log.warn(
        { what, error },
        'the API server gave no usable response, so no token is issued for some requests',
      );
  };
}
