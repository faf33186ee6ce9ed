import { expect, it } from 'vitest';
import { limitWriters } from './limit-writers.ts';
import { limitsPage, readLimits, withoutReason } from './limits-page.ts';
import { limitsOf } from './limits.ts';

/** May only become less: write a comment above a new limit that says who could do what without it. */
const agreedWithoutReason = 83;

it('finds numbers at the top of a file with their units, and the comment above them', () => {
  const source = [
    '/** Two packets. */',
    'export const largestBytes = 64 * 1024;',
    'const pauseMs = 90_000;',
    '',
    '// A share of\n// all.',
    'const limits = { total: 2_048, waiting: { perPod: 8 }, retryMs: 1_500 } as const;',
    'const longest = 2 * other;',
    '',
    'const bare = 5;',
  ].join('\n');
  expect(limitsOf(source)).toEqual([
    {
      reason: 'Two packets.',
      limits: [
        { name: 'largestBytes', value: '64 KiB' },
        { name: 'pauseMs', value: '90 s' },
      ],
    },
    {
      reason: 'A share of all.',
      limits: [
        { name: 'limits', value: 'total 2,048, waiting (perPod 8), retryMs 1500 ms' },
        { name: 'longest', value: '2 * other' },
      ],
    },
    { reason: '', limits: [{ name: 'bare', value: '5' }] },
  ]);
});

it.each([
  ['a text', "const name = 'a5';"],
  ['a list', 'const all = [1, 2];'],
  ['a table of codes', "const codes = { 401: 'denied' };"],
  ['a function', 'const double = (one: number) => 2 * one;'],
  ['a name alone', 'const here = there;'],
  ['the number of a character', 'const quote = 0x22;'],
  ['a number in a function', 'function f() { const mostPods = 5; return mostPods; }'],
])('%s is no limit', (_, source) => {
  expect(limitsOf(source)).toEqual([]);
});

it('every limit has a reason, but for those of old', () => {
  const missing = withoutReason(readLimits());
  expect(missing.length <= agreedWithoutReason, missing.join('\n')).toBe(true);
});

it('each room with limits has an entry on who may write what it limits', () => {
  const rooms = limitsPage(readLimits()).flatMap((part) => (part.startsWith('## ') ? [part.slice(3)] : []));
  expect(rooms.filter((room) => limitWriters[room] === undefined)).toEqual([]);
});
