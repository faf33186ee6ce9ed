// `npm run images [-- NAME ...] [--arch amd64|arm64|all] [--out FOLDER] [--folders]`: image archives in dist/images, one line for each.
// With --folders their layers as folders.
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { buildFolders, buildImages } from './build.ts';
import { repository } from '../stage/places.ts';
import { architectures, imageNames, type ImageName } from './recipes.ts';

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    arch: { type: 'string', default: 'amd64' },
    folders: { type: 'boolean', default: false },
    out: { type: 'string', default: join(repository, 'dist/images') },
  },
});
const isName = (name: string): name is ImageName => imageNames.some((one) => one === name);
const { folders, out } = values;
const choices = [...architectures, ...(folders ? [] : (['all'] as const))];
const arch = choices.find((one) => one === values.arch);
const unknown = positionals.filter((name) => !isName(name));
if (unknown.length > 0) fail(`there is no image ${unknown.join(', ')}; there are: ${imageNames.join(', ')}`);
if (arch === undefined) fail(`--arch ${values.arch}: it is one of ${choices.join(', ')}`);

const names = positionals.length === 0 ? imageNames : positionals.filter(isName);
if (folders && arch !== 'all') await buildFolders({ out, names, arch });
else
  for (const { reference, archive, compressedBytes, digest } of await buildImages({ out, names, arch }))
    console.log(`${reference}  ${(compressedBytes / 1e6).toFixed(1)} MB  ${digest}  ${archive}`);

function fail(problem: string): never {
  console.error(problem);
  process.exit(2);
}
