import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import { within } from './within.ts';

const execute = promisify(execFile);
const patienceMs = 120_000;

/** Runs a short command to its end; an error has its command line. */
export function runCommand(program: string, args: readonly string[]): Promise<{ stdout: string }> {
  const running = execute(program, args, { timeout: patienceMs + 5_000, killSignal: 'SIGKILL' });
  return within(patienceMs, `the command ${[program, ...args].join(' ')}`, running);
}
