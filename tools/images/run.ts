// The door to other programs.
import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import { within } from '../stage/within.ts';

const execute = promisify(execFile);
const maxBuffer = 512 * 1024 * 1024;
/** A server of packages may answer nothing at all. */
const patienceMs = 300_000;

export async function run(program: string, args: readonly string[], cwd?: string): Promise<string> {
  return (await runForBytes(program, args, cwd)).toString('utf8');
}

/** Standard output. An error has the command line, and what the program wrote to standard error. */
export async function runForBytes(program: string, args: readonly string[], cwd?: string): Promise<Buffer> {
  const limits = { maxBuffer, timeout: patienceMs + 5_000, killSignal: 'SIGKILL' } as const;
  const options = { encoding: 'buffer', ...limits, ...(cwd !== undefined && { cwd }) } as const;
  const running = execute(program, args, options);
  return (await within(patienceMs, `the command ${[program, ...args].join(' ')}`, running)).stdout;
}
