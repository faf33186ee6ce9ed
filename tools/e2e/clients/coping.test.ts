import { expect, test } from 'vitest';
import { tokens } from './coping-answers.ts';
import { copingCell, withTable, type Coping } from './coping.ts';

const seen: Coping = { requests: 1, token: tokens.own, isWaiting: false, isEarly: false, peakMiB: 80 };

test.each([
  [{}, 'token'],
  [{ requests: 2 }, 'token, 2 requests'],
  [{ requests: 2, isEarly: true }, 'token, 2 requests, before the time'],
  [{ token: undefined }, 'error at once'],
  [{ token: undefined, requests: 3 }, 'error, 3 requests'],
  [{ token: '' }, 'an empty token'],
  [{ token: tokens.other, requests: 1 }, '**the token of the other place**'],
  [{ token: undefined, isWaiting: true }, 'still waiting after 20 s'],
  [{ token: undefined, isWaiting: true, peakMiB: 600 }, 'takes more than 250 MiB of memory'],
])('%o is shown as %s', (more, cell) => {
  expect(copingCell({ ...seen, ...more })).toBe(cell);
});

test('a table replaces the one between the markers, and nothing else', () => {
  const text = (table: string) =>
    `before\n<!-- coping: begin -->\n\n${table}\n\n<!-- coping: end -->\nafter\n`;
  expect(withTable(text('old'), 'new')).toBe(text('new'));
  expect(() => withTable('no markers', 'new')).toThrow('must have the lines <!-- coping: begin -->');
});
