// Starts the image's openssl, which decrypts what an editor of a namespace wrote: that may take any time, so it is not done in this process.
import { spawn, type ChildProcess } from 'node:child_process';
import { Writable, type Readable } from 'node:stream';
import type { Clock } from '@pod-identity/kit/core';

/** What it printed. `killed`: it took more time, or printed more, than it may. */
export type Ran = { readonly output: string } | 'failed' | 'killed';

export interface OpensslInput {
  readonly args: readonly string[];
  readonly content: string | Buffer;
  /** Without a line break, at which openssl would end it. */
  readonly password: string;
}

export type Openssl = ReturnType<typeof createOpenssl>;

const limitMs = 3_000;
const longestOutput = 256 * 1024;

/** The image has no configuration of openssl, and that of a host does not count. */
const env = { OPENSSL_CONF: '/dev/null' };

export function createOpenssl(
  clock: Pick<Clock, 'after'>,
  { command = '/usr/bin/openssl' }: { readonly command?: string } = {},
) {
  const running = new Set<ChildProcess>();
  const run = ({ args, content, password }: OpensslInput): Promise<Ran> => {
    const { promise, resolve, reject } = Promise.withResolvers<Ran>();
    // The password comes by a descriptor of its own. Standard error is ignored: it could repeat the input.
    const child = spawn(command, [...args, '-passin', 'fd:3'], {
      stdio: ['pipe', 'pipe', 'ignore', 'pipe'],
      env,
    });
    running.add(child);
    let isKilled = false;
    const kill = () => {
      isKilled = true;
      child.kill('SIGKILL');
    };
    const timer = clock.after(limitMs, kill);
    const output = collect(child.stdout, kill);
    const end = () => {
      timer.cancel();
      running.delete(child);
    };
    child.once('error', (error) => {
      end();
      reject(error);
    });
    child.once('close', (code) => {
      end();
      if (code === 0 && !isKilled) resolve({ output: output() });
      else resolve(isKilled ? 'killed' : 'failed');
    });
    // There are none when the process may open no more files.
    const [stdin, , , third] = (child.stdio as readonly unknown[] | undefined) ?? [];
    feed(stdin, content);
    feed(third, `${password}\n`);
    return promise;
  };
  return {
    /** Fails if the program cannot be started. */
    run,
    /** Kills running processes. */
    close: () => {
      for (const child of running) child.kill('SIGKILL');
    },
  };
}

function collect(stdout: Readable | null | undefined, onTooMuch: () => void): () => string {
  const parts: Buffer[] = [];
  let size = 0;
  stdout?.on('data', (part: Buffer) => {
    size += part.length;
    if (size > longestOutput) onTooMuch();
    else parts.push(part);
  });
  return () => Buffer.concat(parts).toString('latin1');
}

/** If the child ends before it has read everything, its exit code says so. */
function feed(stream: unknown, content: string | Buffer): void {
  if (stream instanceof Writable) stream.on('error', () => undefined).end(content);
}
