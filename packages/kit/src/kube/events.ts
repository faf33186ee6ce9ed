import type { Clock } from '../core/clock.ts';
import type { Log } from '../serve/log.ts';
import type { KubeTransport } from './transport.ts';

export interface EventDraft {
  readonly type: 'Normal' | 'Warning';
  readonly reason: string;
  readonly message: string;
  readonly involved: {
    readonly apiVersion: string;
    readonly kind: string;
    readonly namespace?: string;
    readonly name: string;
    readonly uid?: string;
  };
}

export interface EventRecorderOptions {
  readonly transport: KubeTransport;
  /** Shown as the event's source. */
  readonly component: string;
  readonly clock: Clock;
  readonly random?: () => number;
  readonly log?: Log;
  /** Events of one object at once (25 unless told); then one in five minutes. */
  readonly perObjectBurst?: number;
  /** Events waiting to be written (1000 unless told); more are dropped. */
  readonly maxQueued?: number;
}

export interface EventRecorder {
  /** Never throws and never waits. */
  record(event: EventDraft): void;
  /** Resolves when all that was recorded before has been written or given up. */
  flush(): Promise<void>;
}
export function createEventRecorder(options: EventRecorderOptions): EventRecorder { throw new Error('soon'); }
