// Makes image archives that `ctr images import`, `docker load`, `podman load` and skopeo read: without root, a daemon or a registry of images.
import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { buildFacts, type BuildFacts } from '../workspace/build-facts.mjs';
import { appLayer, type AppLayer } from './app-layer.ts';
import { billOf } from './bill.ts';
import { openDebian } from './debian.ts';
import { openLayerCache } from './layer-cache.ts';
import { makeImage, type ImageConfig } from './oci.ts';
import { nodePackage, pruneNode } from './node-binary.ts';
import { cacheFolder } from './places.ts';
import { imageNames, recipes, type Architecture, type ImageName } from './recipes.ts';
import { nodeLayer, programsLayer, type SharedLayer, type Sources } from './shared-layers.ts';
import { writeTar } from './tar.ts';
import { unpackLayer } from './unpack.ts';
import { writeWhole } from './write-whole.ts';

export interface BuildOptions {
  /** The folder for the archives. */
  readonly out: string;
  readonly names?: readonly ImageName[];
  readonly arch?: Architecture;
  /** Where layers are kept for the next build; default: beside the downloads. */
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
  const { out, names = imageNames } = options;
  await mkdir(out, { recursive: true });
  const build = await openBuild(options);
  const built: BuiltImage[] = [];
  for (const name of names) built.push(await writeImage(await layersOf(name, build), build, out));
  await pruneCaches(build);
  return built;
}

/** Writes the layers of each image as folders `NAME/node`, `NAME/programs` and `NAME/app`: for a Containerfile, which copies them. */
export async function buildFolders(options: BuildOptions): Promise<void> {
  const { out, names = imageNames } = options;
  const build = await openBuild(options);
  for (const name of names) {
    const { base, programs, app } = await layersOf(name, build);
    await unpackLayer(base, join(out, name, 'node'), 0);
    if (programs) await unpackLayer(programs, join(out, name, 'programs'), 0);
    await unpackLayer(app, join(out, name, 'app'), build.facts.seconds);
  }
  await pruneCaches(build);
}

interface Build {
  readonly base: SharedLayer;
  readonly sources: Sources;
  readonly facts: BuildFacts;
}

async function openBuild(options: Omit<BuildOptions, 'out'>): Promise<Build> {
  const { arch = 'amd64', layerCache = join(cacheFolder, 'layers') } = options;
  await mkdir(cacheFolder, { recursive: true });
  const layers = await openLayerCache(layerCache);
  const sources = { arch, debian: openDebian(arch, cacheFolder), layers, cache: cacheFolder };
  return { base: await nodeLayer(sources), sources, facts: buildFacts() };
}

/** Last, so that nothing goes that this build has used. */
async function pruneCaches({ sources: { debian, layers } }: Build): Promise<void> {
  await layers.prune();
  await debian.prune();
  await pruneNode(cacheFolder);
}

interface ImageLayers {
  readonly name: ImageName;
  readonly base: SharedLayer;
  readonly programs: SharedLayer | undefined;
  readonly app: AppLayer;
}

/** From the one that changes least to the one that changes with each commit. */
async function layersOf(name: ImageName, { base, sources, facts }: Build): Promise<ImageLayers> {
  const { programs } = recipes[name];
  return {
    name,
    base,
    programs: programs && (await programsLayer(programs, base, sources)),
    app: await appLayer(name, facts.seconds),
  };
}

async function writeImage(
  { name, base, programs, app }: ImageLayers,
  { sources: { arch }, facts }: Build,
  out: string,
): Promise<BuiltImage> {
  const { version, bundled } = app;
  const shared = programs ? [base, programs] : [base];
  const layers = [...shared, app];
  const config = configOf(name, { version, arch, facts });
  const { archive, digest, compressedBytes } = makeImage(layers, config);
  const bill = billOf({
    name,
    digest,
    arch,
    created: config.created.replace('.000Z', 'Z'),
    version,
    debian: shared.flatMap(({ debian }) => debian),
    node: nodePackage(arch),
    bundled,
    files: layers.flatMap(({ files }) => files),
  });
  return {
    name,
    reference: config.reference,
    digest,
    compressedBytes,
    archive: await writeWhole(join(out, `${name}-${arch}.tar`), writeTar(archive, facts.seconds)),
    bill: await writeWhole(join(out, `${name}-${arch}.spdx.json`), `${JSON.stringify(bill, undefined, 2)}\n`),
  };
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
    reference: `your-registry.invalid/aad-pod-identity/${name}:${version}`,
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
