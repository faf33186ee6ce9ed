import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import equivalent from './equivalent.json' with { type: 'json' };
import type { Equivalent } from './judge.ts';

const entries: readonly Equivalent[] = equivalent;
const root = join(import.meta.dirname, '../..');
const withoutSpaces = (text: string): string => text.replaceAll(/\s+/g, '');

/** Whether the code still has a line `inLine` in which `original` begins. */
function isThere({ file, inLine, original }: Equivalent): boolean {
  const path = join(root, file);
  const lines = existsSync(path) ? readFileSync(path, 'utf8').split('\n') : [];
  return lines.some((line, at) => {
    if (line.trim() !== inLine) return false;
    const begins = withoutSpaces(lines.slice(at).join('')).indexOf(withoutSpaces(original));
    return begins >= 0 && begins < withoutSpaces(line).length;
  });
}

it('the code of each entry is still there; an entry whose code was changed must be removed or renewed', () => {
  expect(entries.filter((entry) => !isThere(entry)).map(({ file, inLine }) => ({ file, inLine }))).toEqual(
    [],
  );
});
