// What an administrator types: kubectl and its plug-in.
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { text } from 'node:stream/consumers';
import { join } from 'node:path';
import { repository } from '../../stage/places.ts';
import type { Stage } from '../../stage/stage.ts';
import { within } from '../../stage/within.ts';

export interface Ended {
  readonly code: number;
  readonly output: string;
  readonly errors: string;
}

export interface Commands {
  /** `kubectl azure-pod-identity` as administrator. */
  plugIn(...words: readonly string[]): Promise<Ended>;
  /** `kubectl apply -f -` or `kubectl delete -f -` as administrator; fails with what kubectl printed. */
  kubectl(verb: 'apply' | 'delete', yaml: string): Promise<void>;
}

const patienceMs = 60_000;
/** Of the built plug-in. */
export const plugInFile = join(repository, 'packages/kubectl/dist/main.js');

export function createCommands({ folder, kubeconfig }: Stage): Commands {
  return {
    plugIn: (...words) =>
      runProgram(process.execPath, [plugInFile, ...words, '--kubeconfig', kubeconfig], {
        env: { HOME: folder },
      }),
    async kubectl(verb, yaml) {
      // Validation of v1.20 needs documents that kubectl 1.32 does not read.
      const words = verb === 'apply' ? [verb, '--validate=false'] : [verb, '--wait=false'];
      const env = { HOME: folder };
      const { code, errors } = await runProgram(
        'kubectl',
        [...words, '--kubeconfig', kubeconfig, '-f', '-'],
        {
          env,
          input: yaml,
        },
      );
      if (code !== 0) throw new Error(`kubectl ${verb} ended with ${code}: ${errors}`);
    },
  };
}

/** Runs it to its end, with these variables alone. */
export async function runProgram(
  program: string,
  words: readonly string[],
  { env, input = '' }: { readonly env: NodeJS.ProcessEnv; readonly input?: string },
): Promise<Ended> {
  const child = spawn(program, words, { env: { PATH: process.env['PATH'], ...env } });
  // A program that reads nothing may have ended.
  child.stdin.on('error', () => undefined).end(input);
  const ending = Promise.all([once(child, 'close'), text(child.stdout), text(child.stderr)]);
  const kill = () => child.kill('SIGKILL');
  const command = `the end of ${[program, ...words].join(' ')}`;
  const [, output, errors] = await within(patienceMs, command, ending).finally(kill);
  return { code: child.exitCode ?? -1, output, errors };
}

/** The roles in a text, as they are pasted: from the first `apiVersion` to the last subject. */
export function yamlIn(from: string): string {
  const lines = from.split('\n');
  const starts = lines.findIndex((line) => /^\s*apiVersion:/.test(line));
  const ends = lines.findLastIndex((line) => line.includes('kind: ServiceAccount'));
  if (starts < 0 || ends < starts) return '';
  const indent = /^\s*/.exec(lines[starts] ?? '')?.[0].length ?? 0;
  return lines
    .slice(starts, ends + 1)
    .map((line) => `${line.slice(indent)}\n`)
    .join('');
}
