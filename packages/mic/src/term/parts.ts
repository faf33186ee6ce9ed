// What the parts of MIC share.
import type { EventRecorder, KubeAmbient, LeaderTerm } from '@pod-identity/kit/kube';
import type { Metrics } from '@pod-identity/kit/serve';
import type { Proof } from '../access/proof.ts';
import type { HostIdentities } from '../apply/host-identities.ts';
import type { Ledger } from '../apply/ledger.ts';
import type { HostMemory } from '../apply/memory.ts';
import type { ClusterIndex } from '../snapshot/index/cluster-index.ts';
import type { AccessRules } from '../snapshot/index/rights.ts';
import type { AgentWatch } from '../snapshot/watch/agent-watch.ts';
import type { ClusterWatch } from '../snapshot/watch/cluster-watch.ts';
import type { Publish } from '../tell/events.ts';
import type { Meter } from '../tell/meter.ts';
import type { MicMetricSpecs } from '../tell/metrics.ts';
import type { MicSettings } from './settings.ts';

/** External dependencies and settings of MIC; tests pass a simulator's. */
export interface MicParts extends KubeAmbient {
  readonly hosts: HostIdentities;
  /** Lets timers and sockets run: setImmediate, as a promise. */
  readonly yieldTurn: () => Promise<void>;
  readonly metrics: Metrics<MicMetricSpecs>;
  readonly events: EventRecorder;
  readonly settings: MicSettings;
}

/** Kept between terms: pairs, not verdicts. */
export interface Rights extends AccessRules {
  readonly proof: Proof;
}

/** MIC and what it watches, leader or not. */
export interface WatchingParts extends MicParts {
  readonly view: ClusterWatch;
  readonly index: ClusterIndex;
  readonly agents: AgentWatch | undefined;
  readonly rights: Rights;
}

/** Shared by the lanes and loops of a term. The writes of `transport` are fenced by the lease. */
export interface TermParts extends WatchingParts {
  readonly term: LeaderTerm;
  readonly memory: HostMemory;
  readonly ledger: Ledger;
  readonly now: () => number;
  readonly meter: Meter;
  readonly publish: Publish;
}
