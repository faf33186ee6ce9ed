// The demo as a process: seven steps, exit code 0, no process left; Ctrl-C cleans up.
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, readdir, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { within } from '../../stage/within.ts';
import { afterEach, beforeEach, expect, test } from 'vitest';

const demo = fileURLToPath(new URL('../../demo/main.ts', import.meta.url));

/** The demo's temporary folder: files that are left there, and processes with a path from there, are the demo's. */
let place: string;
beforeEach(async () => {
  place = await mkdtemp(join(tmpdir(), 'demo-'));
});
afterEach(() => rm(place, { recursive: true }));

function startDemo(...args: string[]) {
  const child = spawn(process.execPath, [demo, ...args], {
    stdio: ['ignore', 'pipe', 'pipe'],
    env: { ...process.env, TMPDIR: place },
  });
  const lines: string[] = [];
  const reader = createInterface({ input: child.stdout });
  reader.on('line', (line) => lines.push(line));
  child.stderr.on('data', (chunk: Buffer) => lines.push(chunk.toString()));
  const closed = once(child, 'close') as Promise<[number | null, string | null]>;
  const ended = () => within(220_000, () => `the demo to end; it said:\n${lines.join('\n')}`, closed);
  return { child, lines, reader, ended };
}

/** After its seconds, which may begin with the same number. */
const isStep = (number: number) => (line: string) => new RegExp(` s +${number}\\. `).test(line);

async function programsLeft(): Promise<string[]> {
  const processes = (await readdir('/proc')).filter((name) => /^\d+$/.test(name));
  const about = (pid: string, what: string) => readFile(`/proc/${pid}/${what}`, 'utf8').catch(() => '');
  const texts = await Promise.all(
    processes.map(async (pid) => `${await about(pid, 'cmdline')} ${await about(pid, 'environ')}`),
  );
  return texts.filter((text) => text.includes(place));
}

test.each([[[]], [['--2018']]])('npm start %j prints the seven steps and exits with 0', async (args) => {
  const { lines, ended } = startDemo(...args);
  const [code] = await ended();
  const told = lines.join('\n');
  expect(code, told).toBe(0);
  for (const step of [1, 2, 3, 4, 5, 6, 7]) expect(told).toMatch(new RegExp(`^.*\\b${step}\\.`, 'm'));
  expect(told).toContain('Binding demo-aad-identity-binding applied on node');
  expect(await readdir(place)).toEqual([]);
  // A process that is ending may still be in the process table.
  await expect.poll(programsLeft).toEqual([]);
});

test('Ctrl-C in the middle ends every process and leaves no folder', async () => {
  const { child, reader, ended, lines } = startDemo('--keep');
  for await (const line of reader) if (isStep(3)(line)) break;
  expect(await programsLeft()).not.toEqual([]);
  child.kill('SIGINT');
  const [code] = await ended();
  expect(lines.filter(isStep(5))).toEqual([]);
  expect(code).not.toBeNull();
  expect(await readdir(place)).toEqual([]);
  await expect.poll(programsLeft).toEqual([]);
});
