import type { MicConfig } from '../config/config.ts';
import { planRules } from '../config/plan-rules.ts';
import type { PlanRules } from '../plan/types.ts';

type Configured = Pick<
  MicConfig,
  'forceNamespaced' | 'debounceMs' | 'debounceMaxMs' | 'writesPerHost' | 'resyncMs'
>;

export interface MicSettings
  extends Configured, Partial<Pick<MicConfig, 'access' | 'startupTaint' | 'nmi' | 'namespaceShareBytes'>> {
  /** MIC's own, with host records. */
  readonly namespace: string;
  /** If attaching takes longer, the assignment is written as Created. */
  readonly recordAfterMs: number;
  /** Called for each plan, since the cluster's own identity may change. */
  rules(): PlanRules;
  /** The object id of MIC's own identity if known, for commands in remedies. */
  principalId(): string | undefined;
}

const recordAfterMs = 2_000;

type KnownLater = Pick<MicSettings, 'principalId'> & { readonly clusterClientId: () => string };

export function settingsOf(config: MicConfig, { clusterClientId, principalId }: KnownLater): MicSettings {
  const { podNamespace: namespace, startupTaint, nmi } = config;
  const { forceNamespaced, namespaceShareBytes, access, writesPerHost } = config;
  const { debounceMs, debounceMaxMs, resyncMs } = config;
  const objects = { forceNamespaced, namespaceShareBytes, access, writesPerHost };
  const nodes = { startupTaint, nmi };
  const limits = { debounceMs, debounceMaxMs, resyncMs, recordAfterMs };
  const rules = () => planRules(config, clusterClientId());
  return { namespace, ...objects, ...nodes, ...limits, rules, principalId };
}
