// The door to the process that reads certificates. Its heap and its time are bounded, it may read no file but its own program,
// and it is told nothing by arguments or environment.
import { spawn, type ChildProcess } from 'node:child_process';
import { execPath } from 'node:process';
import { fileURLToPath } from 'node:url';
import type { Clock } from '@pod-identity/kit/core';
import type { RunReader } from './certificate-reader.ts';

export interface ReaderProcess {
  readonly run: RunReader;
  /** Kills what is under way. */
  close(): void;
}

/** The work of what it may derive takes less than a second; its start takes longer than usual on a busy node. */
const limitMs = 5_000;
const longestAnswer = 256 * 1024;

/** A file of the bundle is in `dist`, beside the program; a source file is run directly. */
const isSource = import.meta.url.endsWith('.ts');
const program = fileURLToPath(
  new URL(isSource ? './reader/main.ts' : './certificate-reader.js', import.meta.url),
);
const readable = isSource ? '*' : fileURLToPath(new URL('./*', import.meta.url));

const flags = ['--max-old-space-size=64', '--permission', `--allow-fs-read=${readable}`, program];

export function createReaderProcess(
  clock: Pick<Clock, 'after'>,
  { command = execPath, args = flags }: { command?: string; args?: readonly string[] } = {},
): ReaderProcess {
  const running = new Set<ChildProcess>();
  const run: RunReader = (question) => {
    const { promise, resolve, reject } = Promise.withResolvers<string | undefined>();
    // Its standard error could repeat what it was given.
    const child = spawn(command, args, { stdio: ['pipe', 'pipe', 'ignore'], env: { MALLOC_ARENA_MAX: '1' } });
    running.add(child);
    // A native derivation hears no other signal.
    const kill = () => void child.kill('SIGKILL');
    const timer = clock.after(limitMs, kill);
    const parts: Buffer[] = [];
    let size = 0;
    child.stdout.on('data', (part: Buffer) => {
      size += part.length;
      if (size > longestAnswer) kill();
      else parts.push(part);
    });
    child.once('error', reject);
    child.once('close', (code) => {
      timer.cancel();
      running.delete(child);
      resolve(code === 0 ? Buffer.concat(parts).toString('utf8') : undefined);
    });
    // One that ends before it has read everything says so by its exit code.
    child.stdin.on('error', () => undefined).end(question);
    return promise;
  };
  return {
    run,
    close: () => {
      for (const child of running) child.kill('SIGKILL');
    },
  };
}
