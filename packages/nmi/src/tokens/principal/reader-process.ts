// Starts the process that reads certificates, with bounded heap and time, no access to files but its own program, and neither
// arguments nor environment.
import { spawn, type ChildProcess } from 'node:child_process';
import { execPath } from 'node:process';
import { fileURLToPath } from 'node:url';
import type { Clock } from '@pod-identity/kit/core';
import type { CertificateProcess } from './certificate-reader.ts';

export interface ReaderProcess extends CertificateProcess {
  /** Kills running processes. */
  close(): void;
}

/** Its work is limited to less than a second; on a busy node its start takes longer. */
const limitMs = 5_000;
const longestResponse = 256 * 1024;

/** In the bundle the program is a file in `dist`; without a bundle the source file is run. */
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
  const run: ReaderProcess['run'] = (request) => {
    const { promise, resolve, reject } = Promise.withResolvers<string | undefined>();
    // Standard error is ignored: it could repeat the input.
    const child = spawn(command, args, { stdio: ['pipe', 'pipe', 'ignore'], env: { MALLOC_ARENA_MAX: '1' } });
    running.add(child);
    // A native key derivation reacts to no other signal.
    const kill = () => void child.kill('SIGKILL');
    const timer = clock.after(limitMs, kill);
    const parts: Buffer[] = [];
    let size = 0;
    child.stdout.on('data', (part: Buffer) => {
      size += part.length;
      if (size > longestResponse) kill();
      else parts.push(part);
    });
    child.once('error', reject);
    child.once('close', (code) => {
      timer.cancel();
      running.delete(child);
      resolve(code === 0 ? Buffer.concat(parts).toString('utf8') : undefined);
    });
    // If it ends before it has read everything, its exit code says so.
    child.stdin.on('error', () => undefined).end(request);
    return promise;
  };
  return {
    run,
    close: () => {
      for (const child of running) child.kill('SIGKILL');
    },
  };
}
