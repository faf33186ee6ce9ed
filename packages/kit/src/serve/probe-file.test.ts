import { execFile } from 'node:child_process';
import { existsSync } from 'node:fs';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, describe, expect, it } from 'vitest';
import { createFakeClock } from '../testing/fake-clock.ts';
import { createLog } from './log.ts';
import { keepProbeFile, openProbeFile, type ProbeFile } from './probe-file.ts';

const ends: (() => unknown)[] = [];
afterEach(async () => {
  for (const end of ends.splice(0)) await end();
});

function stage(problems: () => Promise<readonly string[]>, write?: ProbeFile['write']) {
  const clock = createFakeClock();
  const lines: string[] = [];
  const written: { readonly text: string; readonly forMs: number; readonly at: number }[] = [];
  const log = createLog({ component: 'test', destination: { write: (line) => lines.push(line) } });
  const stop = new AbortController();
  ends.push(() => stop.abort());
  const record: ProbeFile['write'] = (text, until) => {
    written.push({ text, forMs: until - clock.now(), at: clock.elapsed() });
    return Promise.resolve();
  };
  const kept = keepProbeFile({ file: { write: write ?? record }, problems, clock, log }, stop.signal);
  return { clock, lines, written, stop, kept };
}

describe('keepProbeFile', () => {
  it('writes the problems, and nothing as soon as there are none', async () => {
    let problems = ['not all read', 'no redirect'];
    const { clock, written } = stage(() => Promise.resolve(problems));
    await clock.advance(0);
    expect(written.at(-1)).toMatchObject({ text: 'not all read\nno redirect', forMs: 20_000 });
    problems = [];
    await clock.advance(1_000);
    expect(written.at(-1)).toMatchObject({ text: '', forMs: 20_000 });
  });

  it('renews the time of the file several times before it runs out', async () => {
    const { clock, written } = stage(() => Promise.resolve([]));
    const begin = clock.elapsed();
    await clock.advance(20_000);
    expect(written.map(({ at }) => at - begin)).toEqual([0, 5_000, 10_000, 15_000, 20_000]);
  });

  it('checks that do not end leave the process alive and not ready', async () => {
    const { clock, written } = stage(() => new Promise(() => undefined));
    await clock.advance(10_000);
    expect(written.at(-1)).toMatchObject({ text: 'the checks take longer than 10 s', forMs: 20_000 });
    await clock.advance(11_000);
    expect(written).toHaveLength(2);
  });

  it('logs once that the file cannot be written, and not a single failure', async () => {
    const failures = [true, false, true, true, true];
    const { clock, lines } = stage(
      () => Promise.resolve([]),
      () => (failures.shift() === true ? Promise.reject(new Error('EPERM')) : Promise.resolve()),
    );
    await clock.advance(14_999);
    expect(lines).toEqual([]);
    await clock.advance(10_000);
    expect(lines).toHaveLength(1);
    expect(lines[0]).toContain('--probe-file');
  });

  it('ends with the signal', async () => {
    const { clock, stop, kept } = stage(() => Promise.resolve([]));
    await clock.advance(0);
    stop.abort();
    await expect(kept).resolves.toBeUndefined();
    expect(clock.pending).toBe(0);
  });
});

const hasProc = existsSync('/proc/self');
if (!hasProc) console.warn('tests of the command of the probes are skipped: they run on Linux');

describe.skipIf(!hasProc)('the file and the command of the probes in the manifests', () => {
  const stagePath = async () => {
    const folder = await mkdtemp(join(tmpdir(), 'probe-file-'));
    ends.push(() => rm(folder, { recursive: true }));
    return join(folder, 'file');
  };
  const look = (path: string) => {
    const succeeds = (...test: readonly string[]) =>
      new Promise<boolean>((resolve) => void execFile('/usr/bin/test', test, (error) => resolve(!error)));
    return {
      isAlive: () => succeeds(path, '-nt', '/proc/self'),
      isReady: () => succeeds(path, '-nt', '/proc/self', '-a', '!', '-s', path),
    };
  };

  const stageFile = async () => {
    const path = await stagePath();
    const file = await openProbeFile(path, Date.now());
    if (file === undefined) throw new Error('no file');
    return { file, path, ...look(path) };
  };

  it('neither alive nor ready: a container whose process has not written yet', async () => {
    const path = await stagePath();
    const { isAlive, isReady } = look(path);
    expect([await isAlive(), await isReady()]).toEqual([false, false]);
    // As the kubelet makes a termination log for each container.
    await writeFile(path, '');
    expect([await isAlive(), await isReady()]).toEqual([false, false]);
  });

  it('alive, not ready: the process starts, whether there is no file or that of a container before it', async () => {
    const { file, path, isAlive, isReady } = await stageFile();
    expect([await isAlive(), await isReady()]).toEqual([true, false]);
    await file.write('', Date.now() + 20_000);
    expect(await isReady()).toBe(true);
    await openProbeFile(path, Date.now());
    expect([await isAlive(), await isReady()]).toEqual([true, false]);
  });

  it('alive, not ready: the file has a text', async () => {
    const { file, path, isAlive, isReady } = await stageFile();
    await file.write('a long list of problems', Date.now() + 20_000);
    await file.write('a problem', Date.now() + 20_000);
    expect([await isAlive(), await isReady()]).toEqual([true, false]);
    expect(await readFile(path, 'utf8')).toBe('a problem');
  });

  it('alive and ready: the file is empty', async () => {
    const { file, isAlive, isReady } = await stageFile();
    await file.write('a problem', Date.now() + 20_000);
    await file.write('', Date.now() + 20_000);
    expect([await isAlive(), await isReady()]).toEqual([true, true]);
  });

  it('neither, after the process has not written for its time', async () => {
    const { file, isAlive, isReady } = await stageFile();
    await file.write('', Date.now() - 1_000);
    expect([await isAlive(), await isReady()]).toEqual([false, false]);
  });
});
