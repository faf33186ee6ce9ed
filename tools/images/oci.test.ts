import { gunzipSync } from 'node:zlib';
import { expect, test } from 'vitest';
import { makeLayer } from './layer.ts';
import { digestOf, makeImage, type ImageConfig } from './oci.ts';

const layerOf = (path: string) =>
  makeLayer({
    title: path,
    owned: [
      { owner: 'one', entry: { kind: 'file', path, mode: 0o644, content: Buffer.from(path) } },
      { owner: 'one', entry: { kind: 'link', path: 'bin', target: 'usr/bin' } },
    ],
    folders: [{ kind: 'directory', path: 'tmp', mode: 0o1777 }],
    seconds: 0,
  });
const layers = [layerOf('usr/bin/node'), layerOf('app/nmi.js')];
const config: ImageConfig = {
  reference: 'your-registry.invalid/aad-pod-identity/nmi:0.1.0',
  architecture: 'arm64',
  created: '2026-01-01T00:00:00.000Z',
  user: '0:0',
  entrypoint: ['/usr/bin/node', '/app/nmi.js'],
  labels: { 'org.opencontainers.image.title': 'nmi' },
};
const { archive, digest, compressedBytes } = makeImage(layers, config);
const contentOf = (path: string) => {
  const entry = archive.find((one) => one.path === path);
  return entry?.kind === 'file' ? entry.content : Buffer.alloc(0);
};
const blobOf = (name: string) => contentOf(`blobs/${name.replace(':', '/')}`);
const jsonOf = (content: Buffer) => JSON.parse(content.toString()) as never;

interface Described {
  readonly digest: string;
  readonly size: number;
}

test('the index leads to the manifest, the manifest to the configuration and to each layer, by their digests', () => {
  const { manifests } = jsonOf(contentOf('index.json')) as { manifests: readonly Described[] };
  expect(manifests).toMatchObject([
    {
      digest,
      platform: { architecture: 'arm64', os: 'linux', variant: 'v8' },
      annotations: {
        'io.containerd.image.name': config.reference,
        'org.opencontainers.image.ref.name': '0.1.0',
      },
    },
  ]);
  const manifest = jsonOf(blobOf(digest)) as { config: Described; layers: readonly Described[] };
  const blobs = [manifest.config, ...manifest.layers];
  expect(blobs.map((blob) => digestOf(blobOf(blob.digest)))).toEqual(blobs.map((blob) => blob.digest));
  const sizes = blobs.map(({ size }) => size);
  expect(sizes).toEqual(blobs.map((blob) => blobOf(blob.digest).length));
  expect(compressedBytes).toBe(sizes.reduce((sum, size) => sum + size, blobOf(digest).length));
  const { rootfs } = jsonOf(blobOf(manifest.config.digest)) as { rootfs: { diff_ids: readonly string[] } };
  expect(rootfs.diff_ids).toEqual(manifest.layers.map((layer) => digestOf(gunzipSync(blobOf(layer.digest)))));
});

test('older versions of docker load find the same in manifest.json', () => {
  const [image] = jsonOf(contentOf('manifest.json')) as readonly { RepoTags: string[]; Layers: string[] }[];
  expect(image?.RepoTags).toEqual([config.reference]);
  expect(image?.Layers.map((path) => digestOf(contentOf(path)))).toEqual(
    layers.map(({ blob }) => digestOf(blob)),
  );
});

test('the bytes depend on nothing but the content', () => {
  const again = makeImage([layerOf('usr/bin/node'), layerOf('app/nmi.js')], config);
  expect(again.archive).toEqual(archive);
});

test('the bill of materials gets each file with its checksums, but no links', () => {
  expect(layers.map(({ files, paths }) => [files.map(({ path }) => path), paths])).toEqual([
    [['usr/bin/node'], ['usr/bin/node', 'bin']],
    [['app/nmi.js'], ['app/nmi.js', 'bin']],
  ]);
});
