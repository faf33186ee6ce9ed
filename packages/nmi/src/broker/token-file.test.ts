import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { readTokenFile } from './token-file.ts';

it('reads the token without the line end, and fails without a file', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'nmi-token-'));
  const file = join(folder, 'token');
  await expect(readTokenFile(file)).rejects.toThrow('ENOENT');
  await writeFile(file, 'a.b.c\n');
  await expect(readTokenFile(file)).resolves.toBe('a.b.c');
  await rm(folder, { recursive: true });
});
