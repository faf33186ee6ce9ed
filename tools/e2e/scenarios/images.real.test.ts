// The archives of `npm run images` on a real node: containerd imports them, the kubelet runs them as the manifests do.
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { connectKube, type KubeTransport } from '@pod-identity/kit/kube';
import { startCluster, whyNoCluster, type RunningCluster } from '@pod-identity/kit/testing';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { buildImages, type BuiltImage } from '../../images/build.ts';
import type { ImageName } from '../../images/recipes.ts';
import { createCleanup } from '../../stage/cleanup.ts';
import { applyObject, pathOf } from '../../stage/objects.ts';
import { runCommand } from '../../stage/run-command.ts';
import { untilObject } from '../../stage/until.ts';
import { buildFacts } from '../../workspace/build-facts.mjs';

const missing = whyNoCluster();
if (missing !== undefined) console.warn(`skipped images on a real node: ${missing}`);

/** Prints what the programs of NMI's image return, and which of these files exist. */
const inventory = `
const { spawnSync } = require('node:child_process');
const { existsSync } = require('node:fs');
const ran = (line) => spawnSync(line.split(' ')[0], line.split(' ').slice(1), { encoding: 'utf8' });
const failed = process.argv[1].split(';').filter((line) => ran(line).status !== 0).map((line) => [line, ran(line).stderr]);
const present = process.argv[2].split(' ').filter((path) => existsSync(path));
console.log(JSON.stringify({ failed, present }));`;

const programs = [
  ...['nft list ruleset', 'nft add table ip aad', 'ip -j -4 rule show', 'conntrack -L'],
  // As the probes of the manifests.
  'test /proc/self -nt / -a ! -s /proc/self/environment',
  'openssl list -providers -provider legacy',
].join(';');
const shells = '/bin/sh /bin/bash /bin/dash /bin/busybox /usr/bin/dpkg /usr/bin/apt-get /usr/bin/npm';

describe.skipIf(missing !== undefined)('images on a real node', () => {
  const cleanup = createCleanup();
  let folder: string;
  let images: readonly BuiltImage[];
  let cluster: RunningCluster;
  let kube: KubeTransport;

  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'pod-identity-images-'));
    cleanup.add(() => rm(folder, { recursive: true }));
    images = await buildImages({ out: folder });
    cluster = await startCluster({ nodes: 1, providerId: 'azure:///{i}' });
    cleanup.add(() => cluster.stop());
    for (const { archive } of images) await cluster.import(archive);
    kube = await connectKube({ kubeconfig: cluster.kubeconfig, userAgent: 'pod-identity-test' });
    cleanup.add(() => kube.close());
    const path = pathOf({ apiVersion: 'v1', kind: 'ServiceAccount', namespace: 'default' });
    await untilObject(kube, { path, fits: ({ metadata }) => metadata.name === 'default' });
  });
  afterAll(() => cleanup.run());

  /** What a pod of the image printed, which ran to its end with a read-only root. */
  const printedBy = async (image: ImageName, container: object): Promise<string> => {
    const name = `${image}-${Object.keys(container)[0]?.toLowerCase() ?? ''}`;
    await applyObject(kube, podOf(name, image, container));
    const path = pathOf({ apiVersion: 'v1', kind: 'Pod', namespace: 'default' });
    const pod = await untilObject(kube, {
      path,
      fits: ({ metadata, ...rest }) =>
        metadata.name === name && ['Succeeded', 'Failed'].includes(phaseOf(rest)),
    });
    const [program, ...args] = cluster.kubectl('logs', name);
    const { stdout } = await runCommand(program, args);
    expect([stdout, phaseOf(pod)]).toEqual([stdout, 'Succeeded']);
    return stdout;
  };

  test.each([
    ['mic', 'MIC Version: 0.1.0 - NMI Version: 0.1.0', { runAsNonRoot: true }],
    ['nmi', 'NMI Version: 0.1.0', {}],
    ['keyvault-sample', 'keyvault-sample Version: 0.1.0', { runAsNonRoot: true }],
  ] as const)('%s says its version, its commit and the date of that', async (image, version, rights) => {
    const { commit, date } = buildFacts();
    const printed = await printedBy(image, {
      args: ['--version'],
      securityContext: { ...locked, ...rights },
    });
    expect(printed).toBe(`${version} - Commit: ${commit} - Date: ${date}\n`);
  });

  test('the programs that NMI runs work in its image, with the rights of its manifest; there is no shell and no package manager', async () => {
    const printed = await printedBy('nmi', {
      command: ['/usr/bin/node', '-e', inventory, programs, shells],
      securityContext: { ...locked, capabilities: { drop: ['ALL'], add: ['NET_ADMIN', 'NET_RAW'] } },
    });
    expect(JSON.parse(printed)).toEqual({ failed: [], present: [] });
  });

  test('a second build, without the layers of the first, is the same to the byte', async () => {
    const out = join(folder, 'again');
    const again = await buildImages({ out, names: ['nmi'], layerCache: join(out, 'layers') });
    const first = images.filter(({ name }) => name === 'nmi');
    expect(again.map(({ digest }) => digest)).toEqual(first.map(({ digest }) => digest));
    const contentOf = ({ archive, bills }: BuiltImage) =>
      Promise.all([archive, ...bills].map((file) => readFile(file)));
    const [before, after] = await Promise.all([...first, ...again].map(contentOf));
    expect(after!.map((content, at) => content.equals(before![at]!))).toEqual([true, true]);
  });
});

const locked = { readOnlyRootFilesystem: true, allowPrivilegeEscalation: false };

function phaseOf(pod: Readonly<Record<string, unknown>>): string {
  return (pod['status'] as { readonly phase?: string } | undefined)?.phase ?? '';
}

function podOf(name: string, image: ImageName, container: object) {
  const reference = `your-registry.invalid/aad-pod-identity/${image}:0.1.0`;
  return {
    apiVersion: 'v1',
    kind: 'Pod',
    metadata: { name, namespace: 'default' },
    spec: {
      restartPolicy: 'Never',
      containers: [{ name: 'app', image: reference, imagePullPolicy: 'Never', ...container }],
    },
  };
}
