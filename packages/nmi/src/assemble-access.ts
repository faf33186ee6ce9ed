import type { Clock } from '@pod-identity/kit/core';
import {
  createAccessReviewer,
  createStrangerCheck,
  subjectOf,
  withOwnConnections,
  type AccessReviewer,
  type StrangerCheck,
  type KubeAmbient,
} from '@pod-identity/kit/kube';
import type { Metrics } from '@pod-identity/kit/serve';
import { strangerRight, useRight } from '@pod-identity/policy';
import { createAccessGuard, type WouldRefuse } from './access/guard.ts';
import { createMachine } from './access/machine.ts';
import { pauseAfter } from './access/stranger.ts';
import type { ReviewUse } from './access/types.ts';
import { createVerdicts } from './access/verdicts.ts';
import type { NmiConfig } from './config/config.ts';
import { createAccessLog, reportAccessMode } from './tell/access-log.ts';
import type { metricSpecs } from './tell/metrics.ts';

export interface AccessOptions extends Pick<KubeAmbient, 'transport' | 'clock' | 'log'> {
  readonly config: Pick<NmiConfig, 'accessAges' | 'identityAccess' | 'exceptionNamespaces'>;
  readonly metrics: Metrics<typeof metricSpecs>;
}

export type AccessParts = ReturnType<typeof createAccess>;

/** Assembles the access room, with reviews of the API server as the source of verdicts. */
export function createAccess(
  { config, transport, clock, log, metrics }: AccessOptions,
  readInstanceId: () => Promise<string | undefined>,
) {
  metrics.set('identityAccess', 1, { mode: config.identityAccess });
  reportAccessMode(log, config);
  const reviewer = createAccessReviewer(withOwnConnections(transport));
  const warn = createAccessLog(log, clock);
  const stranger = checkStranger(reviewer, clock);
  const verdicts = createVerdicts({
    ...config.accessAges,
    clock,
    reviewUse: reviewUseBy(reviewer),
    onReviewed: (verdict) => metrics.count('accessReviews', { verdict }),
  });
  const onWouldRefuse = (who: WouldRefuse) => {
    metrics.count('accessWarnings');
    if (who.isNew) warn(who);
  };
  const machine = createMachine(readInstanceId, clock);
  return { guard: createAccessGuard({ verdicts, machine, stranger, clock, onWouldRefuse }), stranger };
}

/** The check that reviews of the API server can be used. */
export function checkStranger(reviewer: AccessReviewer, clock: Clock): StrangerCheck {
  return createStrangerCheck({
    reviewer,
    right: strangerRight,
    onResult: (result) => pauseAfter('isRefused' in result ? result.isRefused : undefined),
    clock,
  });
}

export function reviewUseBy(reviewer: AccessReviewer): ReviewUse {
  return ({ subject: { namespace, name: account }, resource, name }, signal) =>
    reviewer.review({ ...useRight, subject: subjectOf(namespace, account), resource, name }, signal);
}
