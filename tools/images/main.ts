// `npm run images [-- NAME ...] [--arch amd64|arm64] [--out FOLDER] [--folders]`: image archives in dist/images, one line for each.
// With --folders their layers as folders.
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { buildFolders, buildImages } from './build.ts';
import { repository } from '../stage/places.ts';
import { imageNames, triplets, type Architecture, type ImageName } from './recipes.ts';

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    arch: { type: 'string', default: 'amd64' },
    folders: { type: 'boolean', default: false },
    out: { type: 'string', default: join(repository, 'dist/images') },
  },
});
const isName = (name: string): name is ImageName => imageNames.some((one) => one === name);
const isArchitecture = (arch: string): arch is Architecture => arch in triplets;
const { arch, folders, out } = values;
const unknown = positionals.filter((name) => !isName(name));
if (unknown.length > 0) fail(`there is no image ${unknown.join(', ')}; there are: ${imageNames.join(', ')}`);
if (!isArchitecture(arch)) fail(`--arch ${arch}: it is one of ${Object.keys(triplets).join(', ')}`);

const names = positionals.length === 0 ? imageNames : positionals.filter(isName);
if (folders) await buildFolders({ out, names, arch });
else
  for (const { reference, archive, compressedBytes, digest } of await buildImages({ out, names, arch }))
    console.log(`${reference}  ${(compressedBytes / 1e6).toFixed(1)} MB  ${digest}  ${archive}`);

function fail(problem: string): never {
  console.error(problem);
  process.exit(2);
}
