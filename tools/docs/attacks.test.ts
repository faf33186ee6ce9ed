import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { attacksPage, readAttacks } from './attacks-page.ts';
import { hasTest } from './quoted-tests.ts';

const root = join(import.meta.dirname, '../..');
const areas = readAttacks();

describe.each(areas.flatMap(({ attacks }) => attacks))('$attack', ({ tests }) => {
  it('names tests that exist', () => {
    expect(Object.keys(tests)).not.toEqual([]);
    for (const [file, titles] of Object.entries(tests)) {
      const source = readFileSync(join(root, file), 'utf8');
      for (const title of titles) expect(hasTest(source, title), `${file}: ${title}`).toBe(true);
    }
  });
});

it('is one entry of the page each', () => {
  const entries = attacksPage(areas).join('\n').match(/^- /gm) ?? [];
  expect(entries).toHaveLength(areas.reduce((sum, { attacks }) => sum + attacks.length, 0));
});
