import { describe, expect, test } from 'vitest';
import { createLimit } from './limit.ts';

describe('limit', () => {
  test('runs at most the given number at a time, in order of arrival', async () => {
    const limit = createLimit(2);
    const gates = [0, 1, 2, 3].map(() => Promise.withResolvers<undefined>());
    const started: number[] = [];
    const all = gates.map((gate, index) =>
      limit(async () => {
        started.push(index);
        await gate.promise;
        return index;
      }),
    );
    await Promise.resolve();
    expect(started).toEqual([0, 1]);
    gates[1]!.resolve(undefined);
    await new Promise((resolve) => setImmediate(resolve));
    expect(started).toEqual([0, 1, 2]);
    for (const gate of gates) gate.resolve(undefined);
    expect(await Promise.all(all)).toEqual([0, 1, 2, 3]);
  });

  test('a failing task frees its place', async () => {
    const limit = createLimit(1);
    await expect(limit(() => Promise.reject(new Error('no')))).rejects.toThrow('no');
    await expect(limit(() => Promise.resolve('yes'))).resolves.toBe('yes');
  });

  test.each([0, -1, Number.NaN])('%d places throws', (places) => {
    expect(() => createLimit(places)).toThrow(TypeError);
  });
});
