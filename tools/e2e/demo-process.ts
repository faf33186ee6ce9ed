// The demo as a process of a test, with a temporary folder of its own.
import { spawn } from 'node:child_process';
import { existsSync } from 'node:fs';
import { once } from 'node:events';
import { mkdtemp, readdir, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { expect } from 'vitest';
import { within } from '../stage/within.ts';

const demo = fileURLToPath(new URL('../demo/main.ts', import.meta.url));

interface How {
  /** The width of the terminal. Default: none, lines are not broken. */
  readonly columns?: number;
  /** The program that runs Node.js, with its arguments. */
  readonly through?: readonly string[];
}

export const hasProc = existsSync('/proc/self/environ');

/** Files that are left in the folder, and processes with a path from there, are the demo's. */
export async function openDemoPlace() {
  const place = await mkdtemp(join(tmpdir(), 'demo-'));

  function start({ columns, through = [] }: How, ...args: readonly string[]) {
    const [program, ...rest] = [...through, process.execPath, demo, ...args] as [string, ...string[]];
    const child = spawn(program, rest, {
      stdio: ['ignore', 'pipe', 'pipe'],
      env: { ...process.env, TMPDIR: place, COLUMNS: columns === undefined ? undefined : String(columns) },
    });
    const lines: string[] = [];
    createInterface({ input: child.stdout }).on('line', (line) => lines.push(line));
    child.stderr.on('data', (chunk: Buffer) => lines.push(chunk.toString()));
    const closed = once(child, 'close') as Promise<[number | null, string | null]>;
    const ended = () => within(220_000, () => `the demo to end; it said:\n${lines.join('\n')}`, closed);
    const until = (what: RegExp) => expect.poll(() => lines.join('\n')).toMatch(what);
    return { child, lines, until, ended };
  }

  /** None where the system has no /proc, as macOS. */
  async function programsLeft(): Promise<string[]> {
    if (!hasProc) return [];
    const processes = (await readdir('/proc')).filter((name) => /^\d+$/.test(name));
    const about = (pid: string, what: string) => readFile(`/proc/${pid}/${what}`, 'utf8').catch(() => '');
    const texts = await Promise.all(
      processes.map(async (pid) => `${await about(pid, 'cmdline')} ${await about(pid, 'environ')}`),
    );
    return texts.filter((text) => text.includes(place));
  }

  /** No file is left, and no process. */
  async function expectNothingLeft(): Promise<void> {
    expect(await readdir(place)).toEqual([]);
    // A process that is ending may still be in the process table.
    await expect.poll(programsLeft).toEqual([]);
  }

  return { start, programsLeft, expectNothingLeft, remove: () => rm(place, { recursive: true }) };
}
