import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { repository } from '../stage/places.ts';
import { containerfileOf } from './containerfile.ts';
import { imageNames } from './recipes.ts';

// That of the sample is for copies of its folder (tools/consumers/sample.real.test.ts).
test.each(imageNames.filter((name) => name !== 'keyvault-sample'))(
  'the Containerfile of %s makes what the recipe says, and has the version',
  async (name) => {
    const folder = join(repository, 'packages', name);
    const { version } = JSON.parse(await readFile(join(folder, 'package.json'), 'utf8')) as {
      version: string;
    };
    await expect(containerfileOf(name, version)).toMatchFileSnapshot(join(folder, 'Containerfile'));
  },
);
