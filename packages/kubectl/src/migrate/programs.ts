// The programs of the user's machine: kubectl, for the one command that runs in a pod of the broker, and az. Never through a shell.
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { text } from 'node:stream/consumers';

export interface ProgramResult {
  /** Undefined: it could not be started, or was ended. */
  readonly code: number | undefined;
  readonly output: string;
}

export interface ProgramRun {
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly signal: AbortSignal;
}

/** Its standard output, then its errors. */
export async function runProgram(
  program: 'kubectl' | 'az',
  words: readonly string[],
  { env, signal }: ProgramRun,
): Promise<ProgramResult> {
  const child = spawn(program, words, { env, signal, stdio: ['ignore', 'pipe', 'pipe'] });
  try {
    const [output, errors] = await Promise.all([
      text(child.stdout),
      text(child.stderr),
      once(child, 'close'),
    ]);
    return { code: child.exitCode ?? undefined, output: `${output}${errors}`.trim() };
  } catch (error) {
    signal.throwIfAborted();
    return { code: undefined, output: error instanceof Error ? error.message : String(error) };
  }
}
