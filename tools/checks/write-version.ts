// Writes the version that `changeset version` has set in imds-client's package.json into the source that sends it as user agent.
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { repository } from '../stage/places.ts';

const library = join(repository, 'packages/imds-client');
const { version } = JSON.parse(readFileSync(join(library, 'package.json'), 'utf8')) as { version: string };
const source = join(library, 'src/version.ts');
const before = readFileSync(source, 'utf8');
const text = /'[^']*';/;
if (!text.test(before))
  throw new Error(`${source} has no text in single quotes to write the version into: adapt write-version.ts`);
writeFileSync(source, before.replace(text, `'${version}';`));
