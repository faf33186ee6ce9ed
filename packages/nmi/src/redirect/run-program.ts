import { execFile, spawn, type ExecFileException } from 'node:child_process';

/** Runs a program and returns its standard output; fails with a ProgramError. */
export type RunProgram = (program: string, args: readonly string[], input?: string) => Promise<string>;

/** busy: another program changes the firewall. denied: this process lacks the right. */
export type ProgramTrouble = 'missing' | 'busy' | 'denied' | 'failed';

export class ProgramError extends Error {
  readonly trouble: ProgramTrouble;
  readonly exitCode: number | undefined;

  constructor(trouble: ProgramTrouble, message: string, exitCode?: number) {
    super(message);
    this.name = 'ProgramError';
    this.trouble = trouble;
    this.exitCode = exitCode;
  }
}

export function isBusy(error: unknown): boolean {
  return error instanceof ProgramError && error.trouble === 'busy';
}

/** Longer than the programs themselves wait for a lock. */
const timeoutMs = 15_000;

const environment = () => ({ PATH: process.env['PATH'] ?? '/usr/sbin:/usr/bin:/sbin:/bin', LC_ALL: 'C' });

export const runProgram: RunProgram = (program, args, input = '') =>
  new Promise((resolve, reject) => {
    const options = { timeout: timeoutMs, maxBuffer: 64 * 1024 * 1024, env: environment() };
    const child = execFile(program, args, options, (error, stdout, stderr) => {
      if (error) reject(troubleOf(program, error, stderr));
      else resolve(stdout);
    });
    // If it ends before it has read everything, its exit code says so.
    child.stdin?.on('error', () => undefined).end(input);
  });

/** In characters: a program that fails may print without end. */
const mostOfErrors = 4_096;

/** Takes no input and drops the output, which can be as long as pods make it. */
export const runUnread: RunProgram = (program, args) =>
  new Promise((resolve, reject) => {
    let said = '';
    const child = spawn(program, args, {
      timeout: timeoutMs,
      env: environment(),
      stdio: ['ignore', 'ignore', 'pipe'],
    });
    child.stderr.on('data', (part: Buffer) => {
      said = (said + part.toString('latin1')).slice(0, mostOfErrors);
    });
    const fail = (code: string | number | null) =>
      reject(troubleOf(program, { code, killed: child.killed }, said));
    child.on('error', ({ code }: NodeJS.ErrnoException) => fail(code ?? null));
    child.on('close', (code) => (code === 0 ? resolve('') : fail(code)));
  });

type Failure = Pick<ExecFileException, 'code' | 'killed'>;

/** Classifies a failure by its message, which is in English because of LC_ALL. */
export function troubleOf(program: string, { code, killed }: Failure, stderr: string): ProgramError {
  if (code === 'ENOENT') return new ProgramError('missing', `${program} is not there`);
  if (killed) return new ProgramError('busy', `${program} did not end within ${timeoutMs / 1000} seconds`);
  const said = stderr
    .trim()
    .replaceAll(/\s*\n\s*/g, ' | ')
    .slice(0, 500);
  const exitCode = typeof code === 'number' ? code : undefined;
  const message = `${program} failed${exitCode === undefined ? '' : ` with ${exitCode}`}: ${said}`;
  if (/permission denied|operation not permitted|must be root/i.test(said) || code === 'EACCES')
    return new ProgramError('denied', message, exitCode);
  if (/temporarily unavailable|xtables lock|resource busy/i.test(said))
    return new ProgramError('busy', message, exitCode);
  return new ProgramError('failed', message, exitCode);
}
