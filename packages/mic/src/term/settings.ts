import type { MicConfig } from '../config/config.ts';
import { planRules } from '../config/plan-rules.ts';
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

type KnownLater = Pick<MicSettings, 'principalId'> & { readonly clusterClientId: () => string };

export function settingsOf(config: MicConfig, { clusterClientId, principalId }: KnownLater): MicSettings {
  const rules = () => planRules(config, clusterClientId());
  return { ...config, namespace: config.podNamespace, recordAfterMs: 2_000, rules, principalId };
}
