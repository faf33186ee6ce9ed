import { readFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import { errorRows } from './error-rows.ts';

/** The cells of each line of the table of outcomes, without padding. */
const lines = readFileSync(new URL('../../docs/errors.md', import.meta.url), 'utf8')
  .split('\n')
  .filter((line) => line.startsWith('| `'))
  .map((line) =>
    line
      .split(/(?<!\\)\|/)
      .slice(1, -1)
      .map((cell) => cell.trim()),
  );

test('the page on errors has a line for every outcome, with the status that is answered, ours and the original’s', () => {
  expect(
    lines.map(([kind, situation, status, , retryAfter]) => [kind, situation, status, retryAfter]),
  ).toEqual(
    errorRows.map(({ kind, situation, ours }) => [
      `\`${kind}\``,
      situation,
      String(ours.status),
      ours.retryAfter,
    ]),
  );
  expect(lines.map(([, , , , , original = '']) => original.split(',')[0])).toEqual(
    errorRows.map(({ original }) => String(original.status)),
  );
});

test('every failure is told in JSON with the two members that SDKs read', () => {
  for (const { kind, ours } of errorRows.filter(({ ours: { text } }) => text !== ''))
    expect([kind, Object.keys(JSON.parse(ours.text) as object)]).toEqual([
      kind,
      ['error', 'error_description'],
    ]);
});
