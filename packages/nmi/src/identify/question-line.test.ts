import { createFakeClock } from '@pod-identity/kit/testing';
import { expect, it } from 'vitest';
import { createQuestionLine } from './question-line.ts';

const stage = (over: { atATime?: number; perSecond?: number; patienceMs?: number } = {}) => {
  const clock = createFakeClock();
  const inLine = createQuestionLine({ clock, atATime: 2, perSecond: 100, patienceMs: 5_000, ...over });
  const begun: string[] = [];
  const ends = new Map<string, () => void>();
  const ask = (name: string) =>
    inLine(() => {
      begun.push(name);
      return new Promise<string>((resolve) => ends.set(name, () => resolve(name)));
    });
  return { clock, begun, ask, inLine, end: (name: string) => ends.get(name)?.() };
};

it('puts so many questions at a time and no more, in the order in which they came', async () => {
  const { clock, begun, ask, end } = stage();
  const answers = ['a', 'b', 'c', 'd'].map(ask);
  await clock.advance(0);
  expect(begun).toEqual(['a', 'b']);
  end('b');
  await clock.advance(0);
  expect(begun).toEqual(['a', 'b', 'c']);
  ['a', 'c'].forEach(end);
  await clock.advance(0);
  end('d');
  await expect(Promise.all(answers)).resolves.toEqual(['a', 'b', 'c', 'd']);
});

it('begins so many in a second and no more', async () => {
  const { clock, begun, inLine } = stage({ perSecond: 5 });
  const answers = Array.from({ length: 12 }, (_, n) => inLine(() => Promise.resolve(begun.push(String(n)))));
  await clock.advance(0);
  expect(begun).toHaveLength(5);
  await clock.advance(1_000);
  expect(begun).toHaveLength(10);
  await clock.advance(1_000);
  await Promise.all(answers);
  expect([begun.length, clock.pending]).toEqual([12, 0]);
});

it('gives a question up whose turn does not come in time', async () => {
  const { clock, begun, ask, end } = stage({ atATime: 1, patienceMs: 1_000 });
  const [first, second] = [ask('a'), ask('b')];
  await clock.advance(1_000);
  await expect(second).resolves.toBeUndefined();
  end('a');
  await expect(first).resolves.toBe('a');
  expect([begun, clock.pending]).toEqual([['a'], 0]);
});

it('a question that fails gives its place back', async () => {
  const { inLine } = stage({ atATime: 1 });
  await expect(inLine(() => Promise.reject(new Error('no')))).rejects.toThrow('no');
  await expect(inLine(() => Promise.resolve(1))).resolves.toBe(1);
});
