import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import { within } from './within.ts';

const execute = promisify(execFile);

/** Runs a command to its end, within two minutes unless told otherwise; an error has its command line. */
export function runCommand(
  program: string,
  args: readonly string[],
  patienceMs = 120_000,
): Promise<{ stdout: string }> {
  const running = execute(program, args, { timeout: patienceMs + 5_000, killSignal: 'SIGKILL' });
  return within(patienceMs, `the command ${[program, ...args].join(' ')}`, running);
}
