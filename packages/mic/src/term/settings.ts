import type { MicConfig } from '../config/config.ts';
import { planRules } from '../config/plan-rules.ts';
import type { PlanRules } from '../plan/types.ts';
import type { DaemonSetName } from '../snapshot/startup-views.ts';

/** How a MIC is to behave. */
export interface MicSettings {
  /** MIC's own: where host records and the upgrade marker are kept. */
  readonly namespace: string;
  readonly version: string;
  readonly forceNamespaced: boolean;
  /** The most that is kept of one namespace's identities, and of its bindings; no bound without. */
  readonly namespaceShareBytes?: number;
  readonly debounceMs: number;
  readonly debounceMaxMs: number;
  /** After how long an identity that is still on its way makes its assignment be written as Created. */
  readonly recordAfterMs: number;
  readonly writesPerHost: number;
  readonly conditionWritesPerSecond: number;
  readonly resyncMs: number;
  readonly typeUpgrade: UpgradeSettings;
  /** The taint that is taken off a node when NMI's pod on it is ready; without it no node is changed. */
  readonly startupTaint?: { readonly key: string; readonly daemonSet: DaemonSetName };
  /** Asked before each plan: the cluster's own identity may become known, or another one, while MIC runs. */
  rules(): PlanRules;
  /** The object id of MIC's own identity once it is known: for the commands that MIC advises. */
  principalId(): string | undefined;
}

export interface UpgradeSettings {
  readonly enabled: boolean;
  readonly configMap: string;
  readonly key: string;
}

/** After this an assignment is shown as Created while its identity is on its way. */
const recordAfterMs = 2_000;
const conditionWritesPerSecond = 10;

export interface KnownLater {
  readonly version: string;
  readonly clusterClientId: () => string;
  readonly principalId: () => string | undefined;
}

export function settingsOf(
  config: MicConfig,
  { version, clusterClientId, principalId }: KnownLater,
): MicSettings {
  const { startupTaint } = config;
  return {
    namespace: config.podNamespace,
    version,
    forceNamespaced: config.forceNamespaced,
    namespaceShareBytes: config.namespaceShareBytes,
    debounceMs: config.debounceMs,
    debounceMaxMs: config.debounceMaxMs,
    recordAfterMs,
    writesPerHost: config.writesPerHost,
    conditionWritesPerSecond,
    resyncMs: config.resyncMs,
    typeUpgrade: config.typeUpgrade,
    ...(startupTaint === undefined ? {} : { startupTaint }),
    rules: () => planRules(config, clusterClientId()),
    principalId,
  };
}
