// The demo itself, as a process: seven steps, exit 0, nothing left running; Ctrl-C cleans up.
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFile, readdir } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { fileURLToPath } from 'node:url';
import { createInterface } from 'node:readline';
import { expect, test } from 'vitest';

const demo = fileURLToPath(new URL('../../demo/main.ts', import.meta.url));

function startDemo(...args: string[]) {
  const child = spawn(process.execPath, [demo, ...args], { stdio: ['ignore', 'pipe', 'pipe'] });
  const lines: string[] = [];
  const reader = createInterface({ input: child.stdout });
  reader.on('line', (line) => lines.push(line));
  child.stderr.on('data', (chunk: Buffer) => lines.push(chunk.toString()));
  return { child, lines, reader, ended: once(child, 'close') as Promise<[number | null, string | null]> };
}

/** Programs of any demo that still run: each has the demo's folder on its command line or in its environment. */
async function programsLeft(): Promise<string[]> {
  const processes = (await readdir('/proc')).filter((name) => /^\d+$/.test(name));
  const lines = await Promise.all(
    processes.map((pid) => readFile(`/proc/${pid}/cmdline`, 'utf8').catch(() => '')),
  );
  return lines.filter((line) => /packages\/(mic|nmi|keyvault-sample)\/dist/.test(line));
}

const foldersLeft = async () => (await readdir(tmpdir())).filter((name) => name.startsWith('pod-identity-'));

test.each([[[]], [['--2018']]])('npm start %j tells the seven steps and exits 0', async (args) => {
  const before = await foldersLeft();
  const { lines, ended } = startDemo(...args);
  const [code] = await ended;
  const told = lines.join('\n');
  expect(code, told).toBe(0);
  for (const step of [1, 2, 3, 4, 5, 6, 7]) expect(told).toMatch(new RegExp(`^.*\\b${step}\\.`, 'm'));
  expect(told).toContain('Binding demo-aad-identity-binding applied on node');
  expect(await foldersLeft()).toEqual(before);
  expect(await programsLeft()).toEqual([]);
});

test('Ctrl-C in the middle ends every process and leaves no folder', async () => {
  const before = await foldersLeft();
  const { child, reader, ended, lines } = startDemo('--keep');
  for await (const line of reader) if (line.includes('3.')) break;
  child.kill('SIGINT');
  const [code] = await ended;
  expect(lines.join('\n')).not.toContain('5.');
  expect(code).not.toBeNull();
  expect(await foldersLeft()).toEqual(before);
  expect(await programsLeft()).toEqual([]);
});
