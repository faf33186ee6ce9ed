import { spawn } from 'node:child_process';

/** One core for all threads of the process; where taskset is missing the kernel decides. */
export function pin(pid: number, core: number): void {
  spawn('taskset', ['-acp', String(core), String(pid)], { stdio: 'ignore' }).on('error', () => undefined);
}
