import { expect, test } from 'vitest';
import { tableLines } from './table.ts';

const columns = ['A', 'B', 'C'].map((name) => ({ name }));

test('attack: one long cell is not as many spaces in every other row', () => {
  const long = 'x'.repeat(1_000_000);
  const rows = [['1', long, '2'], ...Array.from({ length: 1_000 }, () => ['3', 'short', '4'])];
  const lines = tableLines({ columns, rows }, false);
  expect(lines.join('').length).toBeLessThan(1_200_000);
  expect(lines[2]).toMatch(/^3 {3}short +4$/);
});

test('attack: more rows than a function has arguments', () => {
  const rows = Array.from({ length: 200_000 }, () => ['1', '2', '3']);
  expect(tableLines({ columns, rows }, false)).toHaveLength(200_001);
});

test('attack: characters that control a terminal, or turn the text round, are escaped', () => {
  const [, line] = tableLines({ columns, rows: [['\u001b[2J', '\u202eok', 'a\nb']] }, false);
  expect(line).toBe('\\u001b[2J   \\u202eok   a\\nb');
});
