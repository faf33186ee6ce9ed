import { createFakeClock } from '@pod-identity/kit/testing';
import { describe, expect, it } from 'vitest';
import type { Log } from '@pod-identity/kit/serve';
import type { Listener } from './listeners.ts';
import { createPortWatch } from './port-watch.ts';

const listener = (inode: number): Listener => ({
  family: 'tcp',
  address: '0100007F',
  port: 2579,
  uid: 0,
  inode,
});

describe('the watch over the port', () => {
  it('counts each foreign listener once, and again when another one comes', async () => {
    const looks = [[], [11], [11], [11, 12], [12], []].map((inodes) => inodes.map(listener));
    const counted: (readonly [number, number])[] = [];
    const lines: string[] = [];
    const write = (_: unknown, line: string) => void lines.push(line);
    const watch = createPortWatch({
      clock: createFakeClock(),
      socket: () => ({ host: '127.0.0.1', port: 2579, uid: 42_579 }),
      read: () => Promise.resolve(looks.shift() ?? []),
      onCounted: (foreign, found) => void counted.push([foreign, found]),
      log: { info: write, error: write } as unknown as Log,
    });
    const answers: (string | undefined)[] = [];
    while (looks.length > 0) answers.push(await watch.look());

    expect(counted).toEqual([
      [0, 0],
      [1, 1],
      [1, 0],
      [2, 1],
      [1, 0],
      [0, 0],
    ]);
    expect(answers.map((answer) => answer !== undefined)).toEqual([false, true, true, true, true, false]);
    expect(lines).toHaveLength(4);
  });

  const stage = (read: () => Promise<readonly Listener[]>) => {
    const clock = createFakeClock();
    const counted: (readonly [number, number])[] = [];
    const lines: string[] = [];
    const write = (_: unknown, line: string) => void lines.push(line);
    const watch = createPortWatch({
      clock,
      read,
      socket: () => ({ host: '127.0.0.1', port: 2579, uid: 42_579 }),
      onCounted: (foreign, found) => void counted.push([foreign, found]),
      log: { info: write, warn: write, error: write } as unknown as Log,
    });
    return { clock, counted, lines, watch };
  };

  it('counts and tells of a foreign listener though nobody asks for readiness', async () => {
    let there: readonly Listener[] = [];
    const { clock, counted, lines, watch } = stage(() => Promise.resolve(there));
    const end = new AbortController();
    const kept = watch.keep(end.signal);
    await clock.advance(25_000);
    expect([counted, lines]).toEqual([
      [
        [0, 0],
        [0, 0],
        [0, 0],
      ],
      [],
    ]);
    there = [listener(11)];
    await clock.advance(10_000);
    expect(counted.at(-1)).toEqual([1, 1]);
    expect(lines).toEqual([expect.stringContaining('uid 0, socket inode 11')]);
    await clock.advance(10_000);
    expect(counted.at(-1)).toEqual([1, 0]);
    end.abort();
    await kept;
    expect(clock.pending).toBe(0);
  });

  it('goes on when the listeners cannot be listed, and says so once', async () => {
    let isReadable = false;
    const { clock, counted, lines, watch } = stage(() =>
      isReadable ? Promise.resolve([listener(11)]) : Promise.reject(new Error('EACCES')),
    );
    const end = new AbortController();
    const kept = watch.keep(end.signal);
    await clock.advance(45_000);
    expect(lines).toEqual([expect.stringContaining('cannot be listed')]);
    await expect(watch.look()).rejects.toThrow('EACCES');
    isReadable = true;
    await clock.advance(10_000);
    expect(counted).toEqual([[1, 1]]);
    end.abort();
    await kept;
  });

  it('looks once for all who ask at the same time, so that nobody is counted twice', async () => {
    const { counted, watch } = stage(() => Promise.resolve([listener(11)]));
    await Promise.all([watch.look(), watch.look()]);
    expect(counted).toEqual([[1, 1]]);
  });
});
