import { mkdtemp, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { whyNoPrograms } from '@pod-identity/kit/testing';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { describeCluster, pinKubeconfig } from './pinned.ts';

const kubeconfigWith = (current: string) =>
  JSON.stringify({
    apiVersion: 'v1',
    kind: 'Config',
    'current-context': current,
    contexts: ['trial', 'prod'].map((name) => ({ name, context: { cluster: name, user: name } })),
    clusters: ['trial', 'prod'].map((name) => ({ name, cluster: { server: `https://${name}.test:6443` } })),
    users: ['trial', 'prod'].map((name) => ({ name, user: { token: `token-of-${name}` } })),
  });

let folder: string;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'pinned-'));
});
afterEach(() => rm(folder, { recursive: true }));

const why = whyNoPrograms({ programs: ['kubectl'] });
if (why !== undefined) console.warn(`skipped: the copy of a kubeconfig: ${why}`);

test.skipIf(why !== undefined)(
  'another current context during the run does not change the copy, which only its owner reads',
  async () => {
    const file = join(folder, 'config');
    await writeFile(file, kubeconfigWith('trial'));
    const pinned = await pinKubeconfig(file);
    await writeFile(file, kubeconfigWith('prod'));
    const text = await readFile(pinned.kubeconfig, 'utf8');
    expect(describeCluster(text)).toBe('the context trial, the API server https://trial.test:6443');
    expect(pinned.cluster).toBe(describeCluster(text));
    expect(text).toContain('token-of-trial');
    expect(text).not.toContain('prod');
    expect((await stat(pinned.kubeconfig)).mode & 0o777).toBe(0o600);
    await pinned.remove();
    await expect(stat(pinned.kubeconfig)).rejects.toThrow('ENOENT');
  },
);

test('a kubeconfig without a current context is refused', () => {
  expect(() => describeCluster('apiVersion: v1\nclusters: null\n')).toThrow('set current-context');
});
