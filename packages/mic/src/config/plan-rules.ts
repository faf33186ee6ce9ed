import type { PlanRules } from '../plan/types.ts';

/** `clusterClientId` is empty if MIC does not use a managed identity. */
export function planRules(
  { detachGraceMs, driftPeriodMs, immutableClientIds }: PlanRules,
  clusterClientId: string,
): PlanRules {
  const clientIds = [...immutableClientIds, clusterClientId.toLowerCase()].filter((id) => id !== '');
  return { detachGraceMs, driftPeriodMs, immutableClientIds: new Set(clientIds) };
}
