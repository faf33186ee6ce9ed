// Makes image archives that `ctr images import`, `docker load`, `podman load` and skopeo read: without root, a daemon or a registry of images.
import { mkdir, rename, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { buildFacts, type BuildFacts } from '../workspace/build-facts.mjs';
import { appLayer } from './app-layer.ts';
import { billOf } from './bill.ts';
import { openDebian } from './debian.ts';
import { openLayerCache } from './layer-cache.ts';
import { makeImage, type ImageConfig } from './oci.ts';
import { nodePackage } from './node-binary.ts';
import { cacheFolder } from './places.ts';
import { imageNames, recipes, type Architecture, type ImageName } from './recipes.ts';
import { nodeLayer, programsLayer, type SharedLayer, type Sources } from './shared-layers.ts';
import { writeTar } from './tar.ts';

export interface BuildOptions {
  /** The folder for the archives. */
  readonly out: string;
  readonly names?: readonly ImageName[];
  readonly arch?: Architecture;
  /** Where downloads are kept for the next build. */
  readonly cache?: string;
  /** Where layers are kept; default: a folder of `cache`. */
  readonly layerCache?: string;
}

export interface BuiltImage {
  readonly name: ImageName;
  /** As in the manifests of deploy/, with the registry that containerd adds. */
  readonly reference: string;
  readonly archive: string;
  /** The bill of materials (SPDX 2.3, JSON). */
  readonly bill: string;
  /** Of all layers: what a node has to fetch. */
  readonly compressedBytes: number;
  readonly digest: string;
}

/** Needs the bundles of the services (`npm run build`). */
export async function buildImages(options: BuildOptions): Promise<readonly BuiltImage[]> {
  const { out, names = imageNames, arch = 'amd64', cache = cacheFolder } = options;
  const { layerCache = join(cache, 'layers') } = options;
  await Promise.all([out, cache].map((folder) => mkdir(folder, { recursive: true })));
  const layers = await openLayerCache(layerCache);
  const sources = { arch, debian: openDebian(arch, cache), layers, cache };
  const base = await nodeLayer(sources);
  const built: BuiltImage[] = [];
  for (const name of names) built.push(await buildImage(name, { base, sources, out, facts: buildFacts() }));
  return built;
}

interface Building {
  readonly base: SharedLayer;
  readonly sources: Sources;
  readonly out: string;
  readonly facts: BuildFacts;
}

async function buildImage(name: ImageName, { base, sources, out, facts }: Building): Promise<BuiltImage> {
  const { arch } = sources;
  const { programs } = recipes[name];
  const shared = programs ? [base, await programsLayer(programs, base, sources)] : [base];
  const app = await appLayer(name, facts.seconds);
  const layers = [...shared, app];
  const config = configOf(name, { version: app.version, arch, facts });
  const { archive: entries, digest, compressedBytes } = makeImage(layers, config);
  const image = { name, reference: config.reference, digest, compressedBytes };
  const bill = billOf({
    name,
    digest,
    arch,
    created: config.created.replace('.000Z', 'Z'),
    version: app.version,
    debian: shared.flatMap(({ debian }) => debian),
    node: nodePackage(arch),
    bundled: app.bundled,
    files: layers.flatMap(({ files }) => files),
  });
  return {
    ...image,
    archive: await write(join(out, `${name}-${arch}.tar`), writeTar(entries, facts.seconds)),
    bill: await write(join(out, `${name}-${arch}.spdx.json`), `${JSON.stringify(bill, undefined, 2)}\n`),
  };
}

/** Another process may read the same file. */
async function write(file: string, content: Buffer | string): Promise<string> {
  const unfinished = `${file}.${process.pid}`;
  await writeFile(unfinished, content);
  await rename(unfinished, file);
  return file;
}

interface Described {
  readonly version: string;
  readonly arch: Architecture;
  readonly facts: BuildFacts;
}

function configOf(name: ImageName, { version, arch, facts }: Described): ImageConfig {
  const { description, user } = recipes[name];
  const created = new Date(facts.seconds * 1000).toISOString();
  return {
    reference: `docker.io/aad-pod-identity/${name}:${version}`,
    architecture: arch,
    created,
    user,
    entrypoint: ['/usr/bin/node', `/app/${name}.js`],
    labels: {
      'org.opencontainers.image.created': created,
      'org.opencontainers.image.description': description,
      // Of our files; those of the others are in /usr/share/doc and in the bill of materials.
      'org.opencontainers.image.licenses': 'MIT',
      'org.opencontainers.image.revision': facts.commit,
      'org.opencontainers.image.title': name,
      'org.opencontainers.image.version': version,
    },
  };
}
