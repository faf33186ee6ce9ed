import type { Clock } from '../core/clock.ts';
import type { Log } from '../serve/log.ts';
import type { KubeTransport } from './transport.ts';

export interface ElectorOptions {
  readonly transport: KubeTransport;
  readonly namespace: string;
  readonly name: string;
  readonly identity: string;
  /** For how long others respect a lease that nobody renews. */
  readonly durationMs: number;
  /** How often the leader renews. */
  readonly renewMs: number;
  /** How often a candidate looks, and a leader tries again after a failed renewal. */
  readonly retryMs: number;
  readonly clock: Clock;
  readonly random: () => number;
  readonly log: Log;
}

export interface LeaderTerm {
  /** Aborts when the lease is lost or `run` is told to end. */
  readonly signal: AbortSignal;
  /** Computed from the time of the last renewal: no timer has to fire to make it false. Ask right before each write. */
  holds(): boolean;
}

export interface Elector {
  /** Stands for election until the signal aborts: each won term calls `lead`, each lost one is followed by the next try. */
  run(signal: AbortSignal, lead: (term: LeaderTerm) => Promise<void>): Promise<void>;
  isLeader(): boolean;
  /** The holder last seen on the Lease, whoever it is. */
  leader(): string | undefined;
}
export function createElector(options: ElectorOptions): Elector { throw new Error('soon'); }
