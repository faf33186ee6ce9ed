import { expect, test } from 'vitest';
import { createIntern } from './intern.ts';

const total = (known: ReadonlyMap<string, string>) =>
  [...known.keys()].reduce((sum, text) => sum + text.length, 0);

test('whoever edits an object without end does not fill the memory: characters are bounded, and not only strings', () => {
  const known = new Map<string, string>();
  const intern = createIntern(known);
  let most = 0;
  for (let round = 0; round < 20_000; round += 1) {
    intern(`${round} ${'x'.repeat(4_000)}`);
    if (round % 1_000 === 0) most = Math.max(most, total(known));
  }
  expect(most).toBeGreaterThan(0);
  expect(most).toBeLessThanOrEqual(16_000_000);
});

test('a very long string is answered as it is, and not held', () => {
  const known = new Map<string, string>();
  const text = 'x'.repeat(10_000);
  expect(createIntern(known)(text)).toBe(text);
  expect(known.size).toBe(0);
});

test('equal strings are answered with one and the same, also when there are many', () => {
  const known = new Map<string, string>();
  const intern = createIntern(known);
  intern('x'.repeat(4_096));
  intern('x'.repeat(4_097));
  intern('a');
  intern('a');
  expect([...known.keys()].map(({ length }) => length)).toEqual([4_096, 1]);
});

test('strings are bounded too, however short', () => {
  const known = new Map<string, string>();
  const intern = createIntern(known);
  for (let count = 0; count < 200_000; count += 1) intern(`${count}`);
  expect(known.size).toBe(200_000);
  intern('one more');
  expect([...known.keys()]).toEqual(['one more']);
});

test('exactly as many characters as are allowed are held', () => {
  const known = new Map<string, string>();
  const intern = createIntern(known);
  for (let count = 0; count < 4_000; count += 1) intern(`${count}`.padEnd(4_000, 'x'));
  expect(total(known)).toBe(16_000_000);
  intern('one more');
  expect([...known.keys()]).toEqual(['one more']);
});
