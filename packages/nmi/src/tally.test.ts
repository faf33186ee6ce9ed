import { expect, it, vi } from 'vitest';
import { createTally } from './tally.ts';

it('hands over what was counted, once', () => {
  const tally = createTally<'hit' | 'miss'>();
  tally.count('hit');
  tally.count('hit');
  tally.count('miss');
  const take = vi.fn();
  tally.drain(take);
  tally.drain(take);
  expect(take.mock.calls).toEqual([
    ['hit', 2],
    ['miss', 1],
  ]);
});
