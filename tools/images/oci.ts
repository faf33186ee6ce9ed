// The format of OCI image archives (Image Layout 1.0), as values. Older versions of `docker load` read manifest.json instead.
import { createHash } from 'node:crypto';
import type { TarEntry } from './tar.ts';

export interface Layer {
  /** What the history of the image says of it. */
  readonly title: string;
  readonly blob: Buffer;
  /** Of the tar archive before compression. */
  readonly diffId: string;
}

export interface ImageConfig {
  readonly architecture: 'amd64' | 'arm64';
  readonly created: string;
  readonly user: string;
  readonly entrypoint: readonly string[];
  readonly labels: Readonly<Record<string, string>>;
}

/** What a node of one architecture runs. */
export interface ImagePart {
  readonly layers: readonly Layer[];
  readonly config: ImageConfig;
}

export interface Image {
  /** What a registry names it by: of the manifest, or of the list of several. */
  readonly digest: string;
  /** Of the manifest of each part, in their order. */
  readonly digests: readonly string[];
  /** What a node has to fetch, of the largest part: layers, configuration and manifest. */
  readonly compressedBytes: number;
  readonly archive: readonly TarEntry[];
}

const mediaType = (name: string) => `application/vnd.oci.image.${name}`;

export function digestOf(bytes: Buffer): string {
  return `sha256:${createHash('sha256').update(bytes).digest('hex')}`;
}

/** Of several parts a node takes the one for its architecture. The reference has registry and tag, as containerd names it. */
export function makeImage(parts: readonly [ImagePart, ...ImagePart[]], reference: string): Image {
  const [first, ...others] = parts;
  const made = [madePart(first), ...others.map(madePart)] as const;
  const isOne = others.length === 0;
  const list = json(indexOf(made.map((part) => part.described)));
  const top = isOne ? made[0].described : described('index.v1+json', list);
  const blobs = [...(isOne ? [] : [list]), ...made.flatMap((part) => part.blobs)];
  return {
    digest: top.digest,
    digests: made.map((part) => part.described.digest),
    compressedBytes: Math.max(...made.map((part) => part.blobs.reduce((sum, { length }) => sum + length, 0))),
    archive: archiveOf(blobs, {
      'index.json': indexOf([{ ...top, annotations: annotationsOf(reference) }]),
      // It cannot tell architectures apart.
      ...(isOne && { 'manifest.json': [ofDocker(made[0], reference)] }),
      'oci-layout': { imageLayoutVersion: '1.0.0' },
    }),
  };
}

function madePart({ layers, config }: ImagePart) {
  const { architecture } = config;
  const configuration = json(configurationOf(layers, config));
  const manifest = json({
    schemaVersion: 2,
    mediaType: mediaType('manifest.v1+json'),
    config: described('config.v1+json', configuration),
    layers: layers.map(({ blob }) => described('layer.v1.tar+gzip', blob)),
  });
  return {
    described: {
      ...described('manifest.v1+json', manifest),
      platform: { architecture, os: 'linux', ...(architecture === 'arm64' && { variant: 'v8' }) },
    },
    blobs: [configuration, manifest, ...layers.map(({ blob }) => blob)],
    paths: { Config: blobPath(configuration), Layers: layers.map(({ blob }) => blobPath(blob)) },
  };
}

function configurationOf(
  layers: readonly Layer[],
  { architecture, created, user, entrypoint, labels }: ImageConfig,
) {
  return {
    created,
    architecture,
    ...(architecture === 'arm64' && { variant: 'v8' }),
    os: 'linux',
    config: {
      User: user,
      Env: ['PATH=/usr/sbin:/usr/bin'],
      Entrypoint: entrypoint,
      WorkingDir: '/',
      Labels: labels,
    },
    rootfs: { type: 'layers', diff_ids: layers.map(({ diffId }) => diffId) },
    history: layers.map(({ title }) => ({ created, created_by: title })),
  };
}

function ofDocker({ paths: { Config, Layers } }: ReturnType<typeof madePart>, reference: string) {
  return { Config, RepoTags: [reference], Layers };
}

function annotationsOf(reference: string) {
  const tag = reference.slice(reference.lastIndexOf(':') + 1);
  return { 'io.containerd.image.name': reference, 'org.opencontainers.image.ref.name': tag };
}

function indexOf(manifests: readonly object[]) {
  return { schemaVersion: 2, mediaType: mediaType('index.v1+json'), manifests };
}

function archiveOf(blobs: readonly Buffer[], files: Readonly<Record<string, object>>): readonly TarEntry[] {
  const byPath = new Map(blobs.map((blob) => [blobPath(blob), blob]));
  const folder = (path: string): TarEntry => ({ kind: 'directory', path, mode: 0o755 });
  return [
    folder('blobs'),
    folder('blobs/sha256'),
    ...[...byPath].toSorted(([a], [b]) => (a < b ? -1 : 1)).map(([path, blob]) => file(path, blob)),
    ...Object.entries(files).map(([path, content]) => file(path, json(content))),
  ];
}

function described(type: string, blob: Buffer) {
  return { mediaType: mediaType(type), digest: digestOf(blob), size: blob.length };
}

function blobPath(blob: Buffer): string {
  return `blobs/${digestOf(blob).replace(':', '/')}`;
}

function file(path: string, content: Buffer): TarEntry {
  return { kind: 'file', path, mode: 0o644, content };
}

function json(value: object): Buffer {
  return Buffer.from(JSON.stringify(value));
}
