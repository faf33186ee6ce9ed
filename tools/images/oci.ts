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
  /** With registry and tag, as containerd names it. */
  readonly reference: string;
  readonly architecture: 'amd64' | 'arm64';
  readonly created: string;
  readonly user: string;
  readonly entrypoint: readonly string[];
  readonly labels: Readonly<Record<string, string>>;
}

export interface Image {
  /** Of the manifest: what a registry names it by. */
  readonly digest: string;
  /** What a node has to fetch: layers, configuration and manifest. */
  readonly compressedBytes: number;
  readonly archive: readonly TarEntry[];
}

const mediaType = (name: string) => `application/vnd.oci.image.${name}`;

export function digestOf(bytes: Buffer): string {
  return `sha256:${createHash('sha256').update(bytes).digest('hex')}`;
}

export function makeImage(layers: readonly Layer[], config: ImageConfig): Image {
  const configuration = json(configurationOf(layers, config));
  const manifest = json({
    schemaVersion: 2,
    mediaType: mediaType('manifest.v1+json'),
    config: described('config.v1+json', configuration),
    layers: layers.map(({ blob }) => described('layer.v1.tar+gzip', blob)),
  });
  const blobs = [configuration, manifest, ...layers.map(({ blob }) => blob)];
  return {
    digest: digestOf(manifest),
    compressedBytes: blobs.reduce((sum, { length }) => sum + length, 0),
    archive: archiveOf(blobs, { layers, config, configuration, manifest }),
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

interface Parts {
  readonly layers: readonly Layer[];
  readonly config: ImageConfig;
  readonly configuration: Buffer;
  readonly manifest: Buffer;
}

function archiveOf(
  blobs: readonly Buffer[],
  { layers, config, configuration, manifest }: Parts,
): readonly TarEntry[] {
  const { reference, architecture } = config;
  const tag = reference.slice(reference.lastIndexOf(':') + 1);
  const index = {
    schemaVersion: 2,
    mediaType: mediaType('index.v1+json'),
    manifests: [
      {
        ...described('manifest.v1+json', manifest),
        platform: { architecture, os: 'linux', ...(architecture === 'arm64' && { variant: 'v8' }) },
        annotations: { 'io.containerd.image.name': reference, 'org.opencontainers.image.ref.name': tag },
      },
    ],
  };
  const ofDocker = [
    {
      Config: blobPath(configuration),
      RepoTags: [reference],
      Layers: layers.map(({ blob }) => blobPath(blob)),
    },
  ];
  const byPath = new Map(blobs.map((blob) => [blobPath(blob), blob]));
  const folder = (path: string): TarEntry => ({ kind: 'directory', path, mode: 0o755 });
  return [
    folder('blobs'),
    folder('blobs/sha256'),
    ...[...byPath].toSorted(([a], [b]) => (a < b ? -1 : 1)).map(([path, blob]) => file(path, blob)),
    file('index.json', json(index)),
    file('manifest.json', json(ofDocker)),
    file('oci-layout', json({ imageLayoutVersion: '1.0.0' })),
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
