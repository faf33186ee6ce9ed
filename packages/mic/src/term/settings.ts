import type { MicConfig } from '../config/config.ts';
import { planRules } from '../config/plan-rules.ts';
import type { PlanRules } from '../plan/types.ts';

type Configured = Pick<
  MicConfig,
  'forceNamespaced' | 'debounceMs' | 'debounceMaxMs' | 'writesPerHost' | 'resyncMs' | 'typeUpgrade'
>;

export interface MicSettings
  extends Configured, Partial<Pick<MicConfig, 'access' | 'startupTaint' | 'nmi' | 'namespaceShareBytes'>> {
  /** MIC's own, with host records and the upgrade marker. */
  readonly namespace: string;
  readonly version: string;
  /** If attaching takes longer, the assignment is written as Created. */
  readonly recordAfterMs: number;
  readonly conditionWritesPerSecond: number;
  /** Called for each plan, since the cluster's own identity may change. */
  rules(): PlanRules;
  /** The object id of MIC's own identity if known, for commands in remedies. */
  principalId(): string | undefined;
}

const recordAfterMs = 2_000;
const conditionWritesPerSecond = 10;

type KnownLater = Pick<MicSettings, 'version' | 'principalId'> & { readonly clusterClientId: () => string };

export function settingsOf(
  config: MicConfig,
  { version, clusterClientId, principalId }: KnownLater,
): MicSettings {
  const { podNamespace: namespace, startupTaint, nmi } = config;
  const { forceNamespaced, namespaceShareBytes, access, writesPerHost, typeUpgrade } = config;
  const { debounceMs, debounceMaxMs, resyncMs } = config;
  const objects = { forceNamespaced, namespaceShareBytes, access, writesPerHost, typeUpgrade };
  const nodes = { startupTaint, nmi };
  const limits = { debounceMs, debounceMaxMs, resyncMs, recordAfterMs, conditionWritesPerSecond };
  const rules = () => planRules(config, clusterClientId());
  return { namespace, version, ...objects, ...nodes, ...limits, rules, principalId };
}
