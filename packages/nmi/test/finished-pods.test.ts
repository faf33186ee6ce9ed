// A node can have 12,500 finished pods: the control plane deletes the oldest only beyond that. They have no address and get no token.
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { connectKube, type KubeTransport } from '@pod-identity/kit/kube';
import { createLog, systemClock } from '@pod-identity/kit/serve';
import { startKube, type KubeSim } from '@pod-identity/sim';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { isNoResponse } from '../src/identify/results.ts';
import { createPodInformer } from '../src/identify/pod-directory.ts';

const node = 'node-1';
const pods = '/api/v1/namespaces/default/pods';
let kube: KubeSim;
let transport: KubeTransport;
let folder: string;
let stop: AbortController;

beforeEach(async () => {
  stop = new AbortController();
  kube = await startKube({ podTermination: 'manual' });
  folder = await mkdtemp(join(tmpdir(), 'nmi-finished-'));
  const kubeconfig = join(folder, 'config');
  await writeFile(kubeconfig, kube.kubeconfig());
  transport = await connectKube({ kubeconfig, userAgent: 'nmi-test' });
});
afterEach(async () => {
  stop.abort();
  await transport.close();
  await kube.stop();
  await rm(folder, { recursive: true });
});

const runPod = async (name: string, status: object) => {
  const spec = { nodeName: node, containers: [{ name: 'main', image: 'local.test/app:1' }] };
  const metadata = { name, labels: { of: name } };
  await transport.request({
    method: 'POST',
    path: pods,
    body: { apiVersion: 'v1', kind: 'Pod', metadata, spec },
  });
  await become(name, status);
};
const become = (name: string, status: object) =>
  transport.request({
    method: 'PATCH',
    path: `${pods}/${name}/status`,
    contentType: 'application/merge-patch+json',
    body: { status },
  });

const watchPods = async () => {
  const directory = createPodInformer({
    node,
    transport,
    clock: systemClock,
    random: Math.random,
    onFailed: () => expect.unreachable(),
    lastResponseMs: () => Infinity,
    log: createLog({ component: 'nmi', level: 'error' }),
  });
  void directory.informer.run(stop.signal);
  await directory.informer.synced;
  return directory;
};

it('finished pods take none of the memory, and are not transferred', async () => {
  for (const phase of ['Succeeded', 'Failed'])
    for (let at = 0; at < 10; at += 1)
      await runPod(`${phase.toLowerCase()}-${at}`, { phase, podIP: '10.0.0.9' });
  await runPod('web', { phase: 'Running', podIP: '10.0.0.1' });
  const directory = await watchPods();
  expect([...directory.informer.store.values()].map(({ name }) => name)).toEqual(['web']);
  const answer = await directory.readAll();
  expect(isNoResponse(answer) ? answer : answer.map(({ name }) => name)).toEqual(['web']);
});

it.each(['Succeeded', 'Failed'])(
  'a pod that becomes %s leaves memory and its address at once',
  async (phase) => {
    await runPod('job', { phase: 'Running', podIP: '10.0.0.1' });
    const directory = await watchPods();
    expect(directory.podAt('10.0.0.1')).toBeDefined();
    const { promise, resolve } = Promise.withResolvers<string>();
    directory.informer.onChange(({ type }) => resolve(type));
    await become('job', { phase });
    await expect(promise).resolves.toBe('deleted');
    expect([directory.filedUnder('10.0.0.1'), directory.named('default', 'job')]).toEqual([[], undefined]);
  },
);
