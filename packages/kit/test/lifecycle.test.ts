import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { describe, expect, test } from 'vitest';

const fixture = join(import.meta.dirname, 'fixtures', 'process.ts');

/** Runs the fixture; sends each signal after its log line. */
async function play(args: string[], cues: readonly (readonly [string, NodeJS.Signals])[] = []) {
  const child = spawn(process.execPath, [fixture, ...args], { stdio: ['ignore', 'pipe', 'pipe'] });
  let errors = '';
  child.stderr.setEncoding('utf8').on('data', (part: string) => (errors += part));
  const messages: string[] = [];
  const left = [...cues];
  createInterface(child.stdout).on('line', (line) => {
    messages.push((JSON.parse(line) as { msg: string }).msg);
    if (left[0]?.[0] === messages.at(-1)) child.kill(left.shift()![1]);
  });
  const [code] = (await once(child, 'close')) as [number | null];
  return { code, messages, ...(errors !== '' && { errors }) };
}

describe('a process', () => {
  test('ends with the exit code of the program, even if something keeps it alive', async () => {
    expect(await play(['ends'])).toEqual({ code: 3, messages: ['started'] });
  });

  test.each(['SIGTERM', 'SIGINT'] as const)('%s aborts the signal and the program ends', async (name) => {
    expect(await play(['obeys'], [['started', name]])).toEqual({
      code: 0,
      messages: ['started', 'stopping'],
    });
  });

  test('a second signal ends it at once', async () => {
    const { code, messages } = await play(
      ['hangs'],
      [
        ['started', 'SIGTERM'],
        ['hanging', 'SIGTERM'],
      ],
    );
    expect(code).toBe(1);
    expect(messages.at(-1)).toBe('SIGTERM again, ending at once');
  });

  test('lines appended to the output are written before it ends, in order, however it ends', async () => {
    expect(await play(['appends'])).toEqual({ code: 0, messages: ['started', 'appended'] });
    expect(await play(['breaks'])).toEqual({
      code: 1,
      messages: ['started', 'appended', 'unexpected error'],
    });
  });

  test('the grace period ends it', async () => {
    const { code, messages } = await play(['hangs', '10'], [['started', 'SIGTERM']]);
    expect(code).toBe(1);
    expect(messages.at(-1)).toBe('still not stopped after the grace period');
  });

  test('prints the problems of its configuration, each as a line, and ends with 2', async () => {
    expect(await play(['misconfigured'])).toEqual({
      code: 2,
      messages: ['started'],
      errors: 'no file\nno\\nline\n',
    });
  });

  test.each(['throws', 'forgets'])(
    'an error nobody caught is logged and ends it with 1 (%s)',
    async (program) => {
      expect(await play([program])).toEqual({ code: 1, messages: ['started', 'unexpected error'] });
    },
  );
});
