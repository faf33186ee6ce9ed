import { spawn } from 'node:child_process';

/** Pins all threads of the process to one core, if there is taskset. */
export function pin(pid: number, core: number): void {
  spawn('taskset', ['-acp', String(core), String(pid)], { stdio: 'ignore' }).on('error', () => undefined);
}
