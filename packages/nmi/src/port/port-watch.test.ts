import { describe, expect, it } from 'vitest';
import type { Log } from '@pod-identity/kit/serve';
import type { Listener } from './listeners.ts';
import { createPortWatch } from './port-watch.ts';

const listener = (inode: number): Listener => ({
  ...{ family: 'tcp', address: '0100007F', port: 2579, uid: 0 },
  inode,
});

describe('the watch over the port', () => {
  it('counts each foreign listener once, and again when another one comes', async () => {
    const looks = [[], [11], [11], [11, 12], [12], []].map((inodes) => inodes.map(listener));
    const counted: (readonly [number, number])[] = [];
    const lines: string[] = [];
    const write = (_: unknown, line: string) => void lines.push(line);
    const look = createPortWatch({
      place: () => ({ host: '127.0.0.1', port: 2579, uid: 42_579 }),
      read: () => Promise.resolve(looks.shift() ?? []),
      onCounted: (foreign, found) => void counted.push([foreign, found]),
      log: { info: write, error: write } as unknown as Log,
    });
    const answers: (string | undefined)[] = [];
    while (looks.length > 0) answers.push(await look());

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
});
