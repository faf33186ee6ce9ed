import { expect, it } from 'vitest';
import { codeOf } from './access.ts';

it('the exit code says that one right is missing before it says that another one is not known', () => {
  const code = (...kinds: Parameters<typeof codeOf>[0] extends ReadonlySet<infer Kind> ? Kind[] : never) =>
    codeOf(new Set(kinds));
  expect([code('allowed'), code('allowed', 'unanswered'), code('allowed', 'refused'), code()]).toEqual([
    0, 2, 1, 1,
  ]);
  expect(code('refused', 'unanswered', 'allowed')).toBe(1);
});
