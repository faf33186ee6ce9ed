import type { Log } from './log.ts';

export interface ProcessOptions {
  readonly log: Log;
  /** The program; what it answers is the exit code. */
  run(signal: AbortSignal): Promise<number>;
  /** How long `run` may take to end after the signal; 25 s unless told, below Kubernetes' 30 s. */
  readonly graceMs?: number;
}
export function runProcess(options: ProcessOptions): Promise<void> { throw new Error('soon'); }
