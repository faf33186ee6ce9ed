// The reader of the original's lock, on the simulated API server.
import { connectKube, type KubeTransport } from '@pod-identity/kit/kube';
import { kubeClient, startSim, type Sim } from '@pod-identity/sim';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { createLockReader, type LockReader } from '../src/compat/lock-reader.ts';

const own = 'aad-pod-identity';
const name = 'aad-pod-identity-mic';
const annotation = 'control-plane.alpha.kubernetes.io/leader';
const { signal } = new AbortController();
let sim: Sim;
let folder: string;
let transport: KubeTransport;
let reader: LockReader;

beforeEach(async () => {
  sim = await startSim();
  sim.kube.seed(
    [own, 'default'].map((space) => ({ apiVersion: 'v1', kind: 'Namespace', metadata: { name: space } })),
  );
  folder = await mkdtemp(join(tmpdir(), 'mic-lock-'));
  const kubeconfig = join(folder, 'kubeconfig');
  await writeFile(kubeconfig, sim.kube.kubeconfig());
  transport = await connectKube({ kubeconfig, userAgent: 'test' });
  reader = createLockReader(transport, {
    lock: { namespace: 'default', name },
    lease: { namespace: own, name },
  });
});
afterEach(async () => {
  await transport.close();
  await sim.stop();
  await rm(folder, { recursive: true });
});

/** In the form of the original's election. */
function write(record: string): void {
  const metadata = { name, namespace: 'default', annotations: { [annotation]: record, other: 'x' } };
  sim.kube.seed([{ apiVersion: 'v1', kind: 'Endpoints', metadata }]);
}

test('who holds it, and since when, comes from the annotation', async () => {
  expect(await reader.look(signal)).toEqual({ kind: 'free' });
  write('{"holderIdentity":"mic-1","leaseDurationSeconds":15,"renewTime":"2021-03-04T05:06:07Z"}');
  expect(await reader.look(signal)).toEqual({
    kind: 'held',
    holder: 'mic-1',
    renewTime: '2021-03-04T05:06:07Z',
  });
});

test('attack: an annotation of 200 kB is not read, and holds nothing up', async () => {
  write(JSON.stringify({ holderIdentity: 'mic-1', renewTime: 'x'.repeat(200_000) }));
  expect(await reader.look(signal)).toEqual({ kind: 'free' });
});

test('that it may not be read is told apart from an API server that does not answer now', async () => {
  sim.kube.faults.add({ match: { path: /endpoints/ }, then: { status: 403 } });
  expect(await reader.look(signal)).toMatchObject({ kind: 'unreadable', isPassing: false });
  sim.kube.faults.clear();
  sim.kube.faults.add({ match: { path: /endpoints/ }, then: { status: 503 } });
  expect(await reader.look(signal)).toMatchObject({ kind: 'unreadable', isPassing: true });
});

test('our own Lease says whether a MIC of ours has led', async () => {
  expect(await reader.hasLed(signal)).toBe(false);
  const client = kubeClient(sim.kube.url);
  await client.request('POST', `/apis/coordination.k8s.io/v1/namespaces/${own}/leases`, {
    apiVersion: 'coordination.k8s.io/v1',
    kind: 'Lease',
    metadata: { name, namespace: own },
    spec: { holderIdentity: '' },
  });
  expect(await reader.hasLed(signal)).toBe(true);
  sim.kube.faults.add({ match: { path: /leases/ }, then: { status: 503 } });
  expect(await reader.hasLed(signal)).toBeUndefined();
});
