import type { MicConfig } from '../config/config.ts';
import type { PlanRules } from '../plan/types.ts';

type Configured = Pick<MicConfig, 'forceNamespaced' | 'writesPerHost' | 'resyncMs'>;

export interface MicSettings
  extends Configured, Partial<Pick<MicConfig, 'access' | 'startupTaint' | 'nmi' | 'namespaceShareBytes'>> {
  /** MIC's own, with host records. */
  readonly namespace: string;
  /** If attaching takes longer, the assignment is written as Created. */
  readonly recordAfterMs: number;
  /** Called for each plan, since the cluster's own identity may change. */
  readonly rules: () => PlanRules;
  /** The object id of MIC's own identity if known, for commands in remedies. */
  readonly principalId: () => string | undefined;
}

/** `clusterClientId` is empty if MIC does not use a managed identity. */
export function settingsOf(
  config: MicConfig,
  known: { readonly clusterClientId: () => string; readonly principalId: MicSettings['principalId'] },
): MicSettings {
  const { detachGraceMs, driftPeriodMs, podNamespace: namespace, immutableClientIds: ids } = config;
  const rules = () => {
    const kept = [...ids, known.clusterClientId().toLowerCase()].filter((id) => id !== '');
    return { detachGraceMs, driftPeriodMs, immutableClientIds: new Set(kept) };
  };
  return { ...config, namespace, recordAfterMs: 2_000, rules, principalId: known.principalId };
}
