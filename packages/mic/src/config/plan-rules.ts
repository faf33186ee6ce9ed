import type { MicConfig } from './config.ts';
import type { PlanRules } from '../plan/types.ts';
import { immutableClientIds } from './immutable-client-ids.ts';

type PlanConfig = Pick<
  MicConfig,
  'forceNamespaced' | 'immutableClientIds' | 'detachGraceMs' | 'driftPeriodMs'
>;

/** What a plan is made by. The cluster's own client id may become another one while MIC runs. */
export function planRules(config: PlanConfig, clusterClientId: string): PlanRules {
  const { forceNamespaced, detachGraceMs, driftPeriodMs } = config;
  return {
    forceNamespaced,
    detachGraceMs,
    driftPeriodMs,
    immutableClientIds: immutableClientIds(config.immutableClientIds, clusterClientId),
  };
}
