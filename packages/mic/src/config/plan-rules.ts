import type { MicConfig } from './config.ts';
import type { PlanRules } from '../plan/types.ts';

type PlanConfig = Pick<
  MicConfig,
  'forceNamespaced' | 'immutableClientIds' | 'detachGraceMs' | 'driftPeriodMs'
>;

/** `clusterClientId` is empty if MIC does not use a managed identity. */
export function planRules(config: PlanConfig, clusterClientId: string): PlanRules {
  const { forceNamespaced, detachGraceMs, driftPeriodMs } = config;
  const clientIds = [...config.immutableClientIds, clusterClientId.toLowerCase()].filter((id) => id !== '');
  return { forceNamespaced, detachGraceMs, driftPeriodMs, immutableClientIds: new Set(clientIds) };
}
