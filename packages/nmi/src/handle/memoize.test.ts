import { expect, it, vi } from 'vitest';
import { memoize } from './memoize.ts';

it('works a text out once, and keeps a bounded number of them', () => {
  const length = vi.fn((text: string) => text.length);
  const remembered = memoize(length, 2);
  expect([remembered('a'), remembered('a'), remembered('bb')]).toEqual([1, 1, 2]);
  expect(length).toHaveBeenCalledTimes(2);
  remembered('ccc');
  remembered('a');
  expect(length).toHaveBeenCalledTimes(4);
});
