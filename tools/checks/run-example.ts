// Runs an example of a README as the program of a reader: with Node.js, and the packages that it imports.
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { expect } from 'vitest';
import { repository } from '../stage/places.ts';

export interface RunningExample {
  /** Waits for a line of its output, which may be there already. */
  printed(pattern: RegExp): Promise<void>;
  stop(): Promise<void>;
}

/** The example must import crd-types and client-node only. */
export async function runExample(text: string, env: NodeJS.ProcessEnv): Promise<RunningExample> {
  const folder = await mkdtemp(join(tmpdir(), 'readme-example-'));
  const program = join(folder, 'example.mts');
  await writeFile(program, resolved(text));
  const child = spawn(process.execPath, ['--no-warnings', program], {
    env: { PATH: process.env['PATH'], ...env },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  let output = '';
  let ended: string | undefined;
  for (const stream of [child.stdout, child.stderr])
    stream.setEncoding('utf8').on('data', (more: string) => (output += more));
  const exit = once(child, 'exit').then(([code, signal]) => (ended = `ended: ${String(code ?? signal)}`));
  return {
    async printed(pattern) {
      await expect
        .poll(() => (ended !== undefined || pattern.test(output) ? [ended, output] : []), {
          message: `the example prints ${String(pattern)}; so far: ${output}`,
        })
        .toEqual([undefined, expect.stringMatching(pattern)]);
    },
    async stop() {
      if (ended === undefined) child.kill();
      await exit;
      await rm(folder, { recursive: true });
    },
  };
}

function resolved(text: string): string {
  const sources = pathToFileURL(join(repository, 'packages/crd-types/src/index.ts')).href;
  return text
    .replaceAll("'@pod-identity/crd-types'", `'${sources}'`)
    .replaceAll("'@kubernetes/client-node'", `'${import.meta.resolve('@kubernetes/client-node')}'`);
}
