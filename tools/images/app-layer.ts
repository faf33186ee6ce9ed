// The layer of a service: its bundle. The only one that a change of the service changes.
import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { BundledPackage } from './bundled.ts';
import type { OwnedEntry } from './collect.ts';
import { makeLayer, type MadeLayer } from './layer.ts';
import { licenceTexts, readBundled, readJson } from './licences.ts';
import { repository } from '../stage/places.ts';
import type { ImageName } from './recipes.ts';

export interface AppLayer extends MadeLayer {
  readonly version: string;
  readonly bundled: readonly BundledPackage[];
}

export async function appLayer(name: ImageName, seconds: number): Promise<AppLayer> {
  const folder = join(repository, 'packages', name, 'dist');
  // Without the maps of sources, which are three quarters of it.
  const names = (await readdir(folder).catch(() => [])).filter((one) => one.endsWith('.js'));
  if (!names.includes(`${name}.js`))
    throw new Error(`there is no ${name}.js in ${folder}: run "npm run build" first`);
  const owned = (path: string, content: Buffer | string): OwnedEntry => ({
    owner: name,
    entry: { kind: 'file', path: `app/${path}`, mode: 0o644, content: Buffer.from(content) },
  });
  const { version } = await readJson<{ readonly version: string }>('packages', name, 'package.json');
  const bundled = await readBundled(name);
  // Without it Node would have to find out that these files are modules.
  const manifest = { name: `@pod-identity/${name}`, version, license: 'MIT', type: 'module' };
  const layer = makeLayer({
    title: `/app: ${name} ${version}`,
    owned: [
      ...(await Promise.all(names.map(async (one) => owned(one, await readFile(join(folder, one)))))),
      owned('package.json', `${JSON.stringify(manifest, undefined, 2)}\n`),
      owned('LICENSE', await readFile(join(repository, 'LICENSE'))),
      owned('THIRD-PARTY-LICENSES', await licenceTexts(bundled)),
    ],
    seconds,
  });
  return { ...layer, version, bundled };
}
