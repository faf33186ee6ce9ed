// Makes image archives that `ctr images import`, `docker load`, `podman load` and skopeo read: without root, a daemon or a registry of images.
import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { buildFacts, type BuildFacts } from '../workspace/build-facts.mjs';
import { appLayer, type AppLayer } from './app-layer.ts';
import { billOf, type Ingredients } from './bill.ts';
import { openDebian } from './debian.ts';
import { openLayerCache } from './layer-cache.ts';
import { makeImage, type ImageConfig, type ImagePart } from './oci.ts';
import { nodePackage, pruneNode } from './node-binary.ts';
import { cacheFolder } from './places.ts';
import { architectures, imageNames, recipes, type Architecture, type ImageName } from './recipes.ts';
import { nodeLayer, programsLayer, type SharedLayer, type Sources } from './shared-layers.ts';
import { writeTar } from './tar.ts';
import { unpackLayer } from './unpack.ts';
import { writeWhole } from './write-whole.ts';

export interface BuildOptions {
  /** The folder for the archives. */
  readonly out: string;
  readonly names?: readonly ImageName[];
  /** `all`: one archive from which each node takes the image for its architecture. */
  readonly arch?: Architecture | 'all';
  /** Where layers are kept for the next build; default: beside the downloads. */
  readonly layerCache?: string;
}

export interface BuiltImage {
  readonly name: ImageName;
  /** As in the manifests of deploy/, with the registry that containerd adds. */
  readonly reference: string;
  readonly archive: string;
  /** The bill of materials (SPDX 2.3, JSON) of each architecture. */
  readonly bills: readonly string[];
  /** Of all layers: what a node has to fetch. */
  readonly compressedBytes: number;
  readonly digest: string;
}

/** Needs the bundles of the services (`npm run build`). */
export async function buildImages(options: BuildOptions): Promise<readonly BuiltImage[]> {
  const { out, names = imageNames, arch = 'amd64' } = options;
  await mkdir(out, { recursive: true });
  const builds: Build[] = [];
  for (const one of arch === 'all' ? architectures : [arch]) builds.push(await openBuild(one, options));
  const built: BuiltImage[] = [];
  for (const name of names) built.push(await writeImage(name, { builds, arch, out }));
  for (const build of builds) await pruneCaches(build);
  return built;
}

/** Writes the layers of each image as folders `NAME/node`, `NAME/programs` and `NAME/app`: for a Containerfile, which copies them. */
export async function buildFolders(options: BuildOptions & { readonly arch: Architecture }): Promise<void> {
  const { out, names = imageNames, arch } = options;
  const build = await openBuild(arch, options);
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

async function openBuild(
  arch: Architecture,
  { layerCache }: Pick<BuildOptions, 'layerCache'>,
): Promise<Build> {
  await mkdir(cacheFolder, { recursive: true });
  const layers = await openLayerCache(layerCache ?? join(cacheFolder, 'layers'));
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
  readonly base: SharedLayer;
  readonly programs: SharedLayer | undefined;
  readonly app: AppLayer;
}

/** From the one that changes least to the one that changes with each commit. */
async function layersOf(name: ImageName, { base, sources, facts }: Build): Promise<ImageLayers> {
  const { programs } = recipes[name];
  return {
    base,
    programs: programs && (await programsLayer(programs, base, sources)),
    app: await appLayer(name, facts.seconds),
  };
}

interface Writing {
  readonly out: string;
  readonly arch: Architecture | 'all';
  readonly builds: readonly Build[];
}

async function writeImage(name: ImageName, { out, arch, builds }: Writing): Promise<BuiltImage> {
  const made: Made[] = [];
  for (const build of builds) made.push(await makeFor(name, build));
  const [first, ...others] = made;
  if (!first) throw new Error('an image is for at least one architecture');
  const { version, facts } = first;
  const reference = `your-registry.invalid/aad-pod-identity/${name}:${version}`;
  const { archive, digest, digests, compressedBytes } = makeImage([first, ...others], reference);
  const bills: string[] = [];
  for (const [at, { ingredients }] of made.entries()) {
    const bill = billOf({ ...ingredients, digest: digests[at] ?? digest });
    const file = join(out, `${name}-${ingredients.arch}.spdx.json`);
    bills.push(await writeWhole(file, `${JSON.stringify(bill, undefined, 2)}\n`));
  }
  const file = join(out, `${name}-${arch}.tar`);
  return {
    name,
    reference,
    digest,
    compressedBytes,
    archive: await writeWhole(file, writeTar(archive, facts.seconds)),
    bills,
  };
}

interface Made extends ImagePart {
  readonly version: string;
  readonly facts: BuildFacts;
  readonly ingredients: Omit<Ingredients, 'digest'>;
}

async function makeFor(name: ImageName, build: Build): Promise<Made> {
  const { base, programs, app } = await layersOf(name, build);
  const { version, bundled } = app;
  const {
    sources: { arch },
    facts,
  } = build;
  const shared = programs ? [base, programs] : [base];
  const layers = [...shared, app];
  const config = configOf(name, { version, arch, facts });
  const ingredients = {
    name,
    arch,
    created: config.created.replace('.000Z', 'Z'),
    version,
    debian: shared.flatMap(({ debian }) => debian),
    node: nodePackage(arch),
    bundled,
    files: layers.flatMap(({ files }) => files),
  };
  return { layers, config, version, facts, ingredients };
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
