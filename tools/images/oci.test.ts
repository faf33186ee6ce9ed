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
const reference = 'your-registry.invalid/aad-pod-identity/nmi:0.1.0';
const config: ImageConfig = {
  architecture: 'arm64',
  created: '2026-01-01T00:00:00.000Z',
  user: '0:0',
  entrypoint: ['/usr/bin/node', '/app/nmi.js'],
  labels: { 'org.opencontainers.image.title': 'nmi' },
};
const { archive, digest, compressedBytes } = makeImage([{ layers, config }], reference);
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
        'io.containerd.image.name': reference,
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

test('of an image for both architectures the index leads to a list, and the list to the image of each', () => {
  const other = { layers: [layerOf('usr/bin/other')], config: { ...config, architecture: 'amd64' as const } };
  const both = makeImage([other, { layers, config }], reference);
  const contents = new Map(
    both.archive.flatMap((entry) => (entry.kind === 'file' ? [[entry.path, entry.content] as const] : [])),
  );
  const read = (path: string) =>
    jsonOf(contents.get(path) ?? Buffer.alloc(0)) as { manifests: readonly Described[] };
  expect(read('index.json').manifests).toMatchObject([
    {
      mediaType: 'application/vnd.oci.image.index.v1+json',
      digest: both.digest,
      annotations: { 'io.containerd.image.name': reference },
    },
  ]);
  const list = read(`blobs/${both.digest.replace(':', '/')}`);
  expect(list.manifests).toMatchObject([
    { digest: both.digests[0], platform: { architecture: 'amd64' } },
    { digest, platform: { architecture: 'arm64', variant: 'v8' } },
  ]);
  // All that a registry asks for is there, and what docker load would take for the image of any machine is not.
  for (const { path } of archive.filter(({ path }) => path.startsWith('blobs/')))
    expect(both.archive.map((entry) => entry.path)).toContain(path);
  expect(contents.has('manifest.json')).toBe(false);
});

test('older versions of docker load find the same in manifest.json', () => {
  const [image] = jsonOf(contentOf('manifest.json')) as readonly { RepoTags: string[]; Layers: string[] }[];
  expect(image?.RepoTags).toEqual([reference]);
  expect(image?.Layers.map((path) => digestOf(contentOf(path)))).toEqual(
    layers.map(({ blob }) => digestOf(blob)),
  );
});

test('the bytes depend on nothing but the content', () => {
  const again = makeImage([{ layers: [layerOf('usr/bin/node'), layerOf('app/nmi.js')], config }], reference);
  expect(again.archive).toEqual(archive);
});

test('the bill of materials gets each file with its checksums, but no links', () => {
  expect(layers.map(({ files, paths }) => [files.map(({ path }) => path), paths])).toEqual([
    [['usr/bin/node'], ['usr/bin/node', 'bin']],
    [['app/nmi.js'], ['app/nmi.js', 'bin']],
  ]);
});
