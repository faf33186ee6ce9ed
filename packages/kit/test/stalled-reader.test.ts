// A process whose standard output is not read: a log collector that hangs must not block the process.
import { execFileSync, spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { closeSync, createReadStream, openSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import type { Readable } from 'node:stream';
import { afterEach, expect, test } from 'vitest';

const program = join(import.meta.dirname, 'fixtures', 'process.ts');
const patience = { timeout: 20_000 };

const cleanUps: (() => unknown)[] = [];
afterEach(async () => {
  for (const cleanUp of cleanUps.splice(0)) await cleanUp();
});

interface Stalled {
  readonly child: ChildProcess;
  /** Output that is not read until this is read. */
  readonly output: Readable;
}

function start(stdout: number | 'pipe'): ChildProcess {
  const child = spawn(process.execPath, [program, 'floods'], { stdio: ['ignore', stdout, 'inherit', 'ipc'] });
  cleanUps.push(() => child.kill('SIGKILL'));
  return child;
}

/** As a container has it. */
async function ofPipe(): Promise<Stalled> {
  const folder = await mkdtemp(join(tmpdir(), 'stalled-reader-'));
  cleanUps.push(() => rm(folder, { recursive: true }));
  const path = join(folder, 'output');
  execFileSync('mkfifo', [path]);
  // Opened for reading and writing, so that opening does not block.
  const descriptor = openSync(path, 'r+');
  const child = start(descriptor);
  const output = createReadStream(path);
  await once(output, 'open');
  closeSync(descriptor);
  return { child, output };
}

/** As systemd has it. */
function ofSocket(): Promise<Stalled> {
  const child = start('pipe');
  if (!child.stdout) throw new Error('no output');
  return Promise.resolve({ child, output: child.stdout });
}

type Line = Readonly<Record<string, unknown>>;

async function linesOf(output: Readable, onWarned: () => void): Promise<readonly Line[]> {
  const lines: Line[] = [];
  for await (const text of createInterface({ input: output })) {
    const line = JSON.parse(text) as Line;
    lines.push(line);
    if (line['level'] === 'warn') onWarned();
  }
  return lines;
}

test.each([
  ['a pipe', ofPipe],
  ['a socket', ofSocket],
])(
  '%s that nobody reads stops nothing; what is read later is whole lines in order, and says how many are missing',
  patience,
  async (_, open) => {
    const { child, output } = await open();
    const [lost] = (await once(child, 'message')) as [number];
    expect(lost).toBeGreaterThan(0);
    // Read again: the process ends when it has written all lines.
    const reading = linesOf(output, () => child.kill('SIGTERM'));
    const [code] = (await once(child, 'exit')) as [number | null];
    const lines = await reading;
    expect(code).toBe(0);
    const flood = lines.filter(({ msg }) => msg === 'line').map(({ index }) => index);
    expect(flood).toEqual(Array.from({ length: 20_000 - lost }, (__, index) => index));
    expect(lines.filter(({ level }) => level === 'warn')).toMatchObject([{ lines: lost }]);
    expect(lines.at(-1)).toMatchObject({ msg: expect.stringMatching(/stopping|lost/) as unknown });
  },
);

test('a process whose output has no reader ends on a signal', patience, async () => {
  const { child } = await ofPipe();
  await once(child, 'message');
  child.kill('SIGTERM');
  const [code] = (await once(child, 'exit')) as [number | null];
  expect(code).toBe(0);
});
