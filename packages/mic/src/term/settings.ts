import type { AccessMode } from '@pod-identity/crd-types';
import type { MicConfig } from '../config/config.ts';
import { planRules } from '../config/plan-rules.ts';
import type { PlanRules } from '../plan/types.ts';

type Configured = Pick<
  MicConfig,
  'forceNamespaced' | 'debounceMs' | 'debounceMaxMs' | 'writesPerHost' | 'resyncMs' | 'typeUpgrade'
>;

export interface MicSettings
  extends Configured, Partial<Pick<MicConfig, 'startupTaint' | 'canary' | 'nmi' | 'namespaceShareBytes'>> {
  /** MIC's own, with host records and the upgrade marker. */
  readonly namespace: string;
  readonly version: string;
  /** Default: mode `namespace`. */
  readonly access?: AccessSettings;
  /** If attaching takes longer, the assignment is written as Created. */
  readonly recordAfterMs: number;
  readonly conditionWritesPerSecond: number;
  /** Called for each plan, since the cluster's own identity may change. */
  rules(): PlanRules;
  /** The object id of MIC's own identity if known, for commands in remedies. */
  principalId(): string | undefined;
}

export interface AccessSettings {
  readonly mode: AccessMode;
  /** Each right that is used is reviewed again within this time. */
  readonly recheckMs: number;
}

const recordAfterMs = 2_000;
const conditionWritesPerSecond = 10;

interface KnownLater {
  readonly version: string;
  readonly clusterClientId: () => string;
  readonly principalId: () => string | undefined;
}

export function settingsOf(
  config: MicConfig,
  { version, clusterClientId, principalId }: KnownLater,
): MicSettings {
  const { podNamespace: namespace, forceNamespaced, namespaceShareBytes } = config;
  const { startupTaint, canary, nmi } = config;
  const { debounceMs, debounceMaxMs, writesPerHost, resyncMs, typeUpgrade } = config;
  const times = { debounceMs, debounceMaxMs, recordAfterMs, resyncMs };
  return {
    namespace,
    version,
    forceNamespaced,
    access: config.access,
    namespaceShareBytes,
    writesPerHost,
    conditionWritesPerSecond,
    typeUpgrade,
    ...times,
    startupTaint,
    canary,
    nmi,
    rules: () => planRules(config, clusterClientId()),
    principalId,
  };
}
