// What a MIC needs from outside, and how it is to behave: all that its composition hands in.
import type { Host, ResourceId } from '@pod-identity/crd-types';
import type { Clock } from '@pod-identity/kit/core';
import type { EventRecorder, KubeTransport } from '@pod-identity/kit/kube';
import type { Log, Metrics } from '@pod-identity/kit/serve';
import type { HostIdentities } from '../apply/host-identities.ts';
import type { MicMetricSpecs } from '../tell/metrics.ts';
import type { PlanRules } from '../plan/types.ts';
import type { DaemonSetName } from '../snapshot/startup-views.ts';

export interface ControllerSettings {
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
  readonly typeUpgrade: { readonly enabled: boolean; readonly configMap: string; readonly key: string };
  /** The taint that is taken off a node when NMI's pod on it is ready; without it no node is changed. */
  readonly startupTaint?: StartupTaintSettings;
  /** Asked before each plan: the cluster's own identity may become known, or another one, while MIC runs. */
  rules(): PlanRules;
  /** The object id of MIC's own identity once it is known: for the commands that MIC advises. */
  principalId(): string | undefined;
}

export interface StartupTaintSettings {
  readonly key: string;
  /** NMI's. */
  readonly daemonSet: DaemonSetName;
}

export interface ControllerDeps {
  readonly transport: KubeTransport;
  readonly hosts: HostIdentities;
  readonly settings: ControllerSettings;
  readonly clock: Clock;
  readonly random: () => number;
  /** Lets timers and sockets have their turn: setImmediate, as a promise. */
  readonly yieldTurn: () => Promise<void>;
  readonly log: Log;
  readonly metrics: Metrics<MicMetricSpecs>;
  readonly events: EventRecorder;
  /** Names the roles that MIC lacks for what it is about to do; it has no say in whether that is tried. */
  preflight?(question: {
    hosts: readonly Host[];
    identities: readonly ResourceId[];
    signal: AbortSignal;
  }): Promise<void>;
}
