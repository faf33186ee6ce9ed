import { readFile } from 'node:fs/promises';
import { expect, test } from 'vitest';

const root = new URL('../../', import.meta.url);
const read = (path: string) => readFile(new URL(path, root), 'utf8');

test('each function, class, method or table that the page of the architecture names is declared in the file beside it', async () => {
  const rows = [
    ...(await read('docs/contributor/architecture.md')).matchAll(/: `(packages\/[^`]+)` `(\w+)`$/gm),
  ];
  expect(rows.length).toBeGreaterThan(10);
  for (const [, file = '', name = ''] of rows)
    expect([
      file,
      new RegExp(`^(?:.*(?:function\\*?|class)|export const|  (?:async )?#?)\\s*${name}\\b`, 'm').test(
        await read(file),
      ),
    ]).toEqual([file, true]);
});
