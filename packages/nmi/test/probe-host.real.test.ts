// deploy/policies/probe-host.yaml, and PodSecurity from 1.34 on: nobody who may create Pods has the kubelet send requests where he likes.
import { setTimeout as pause } from 'node:timers/promises';
import { connectKube, type KubeTransport } from '@pod-identity/kit/kube';
import { startApiServer, type RunningApiServer } from '@pod-identity/kit/testing';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { connectImpersonator } from '../../../tools/stage/impersonation.ts';
import { applyObject, readManifests } from '../../../tools/stage/objects.ts';
import { inDeploy } from '../../../tools/stage/places.ts';

for (const flavour of ['v1.34', 'v1.36'] as const) {
  const server = await startApiServer({ flavour });
  if ('skipped' in server)
    console.log(`the tests of deploy/policies/probe-host are skipped: ${server.skipped}`);
  describe.skipIf('skipped' in server)(`on Kubernetes ${flavour}`, () => {
    if (!('skipped' in server)) suite(server, { hasPodSecurity: flavour === 'v1.34' });
  });
}

const httpGet = { path: '/metadata/identity/oauth2/token', port: 80, scheme: 'HTTP' };
const toMetadata = { httpGet: { ...httpGet, host: '169.254.169.254' } };
const toPort = { tcpSocket: { port: 80, host: '169.254.169.254' } };
const attacks = [toMetadata, toPort].flatMap((handler) => [
  { startupProbe: handler },
  { livenessProbe: handler },
  { readinessProbe: handler },
  { lifecycle: { postStart: handler } },
  { lifecycle: { preStop: handler } },
]);
const healthy = [
  {},
  { startupProbe: { httpGet }, livenessProbe: { tcpSocket: { port: 80 } } },
  { readinessProbe: { httpGet: { ...httpGet, host: '' } }, lifecycle: { preStop: { httpGet } } },
  {
    livenessProbe: { exec: { command: ['true'] } },
    lifecycle: { postStart: { exec: { command: ['true'] } } },
  },
  { livenessProbe: { grpc: { port: 80 } } },
];
const ours = ['aad-pod-identity', 'aad-pod-identity-broker'];

/** The kit's v1.36 has no PodSecurity. */
function suite(api: RunningApiServer, { hasPodSecurity }: { readonly hasPodSecurity: boolean }) {
  let call: Awaited<ReturnType<typeof connectImpersonator>>;
  let admin: KubeTransport;
  let serial = 0;
  const plain = { name: 'a', image: 'a' };

  /** Creates nothing. */
  const tryPod = (namespace: string, spec: object) =>
    call({
      method: 'POST',
      path: `/api/v1/namespaces/${namespace}/pods?dryRun=All`,
      body: { apiVersion: 'v1', kind: 'Pod', metadata: { name: `p${++serial}`, namespace }, spec },
    });
  const withContainer = (fields: object) => ({ containers: [plain, { ...plain, name: 'b', ...fields }] });
  const withSidecar = (fields: object) => ({
    containers: [plain],
    initContainers: [{ ...plain, name: 'b', restartPolicy: 'Always', ...fields }],
  });

  beforeAll(async () => {
    call = await connectImpersonator(api.kubeconfig, api.server);
    admin = await connectKube({ kubeconfig: api.kubeconfig, userAgent: 'probe-host-test' });
    const labels = { 'pod-security.kubernetes.io/enforce': 'baseline' };
    for (const name of ours)
      await applyObject(admin, { apiVersion: 'v1', kind: 'Namespace', metadata: { name } });
    const metadata = { name: 'baseline', labels };
    await applyObject(admin, { apiVersion: 'v1', kind: 'Namespace', metadata });
  });
  afterAll(async () => {
    await admin.close();
    await api.stop();
  });

  it('without it such a Pod passes, unless PodSecurity enforces baseline', async () => {
    for (const fields of attacks) {
      expect(await tryPod('default', withContainer(fields))).toMatchObject({ status: 201 });
      if (!hasPodSecurity) continue;
      expect(await tryPod('baseline', withContainer(fields))).toMatchObject({
        status: 403,
        message: expect.stringContaining('169.254.169.254') as string,
      });
    }
  });

  describe('with the policy', () => {
    beforeAll(async () => {
      for (const object of await readManifests(inDeploy('policies/probe-host.yaml')))
        await applyObject(admin, object);
      // The API server takes a moment to put a new policy into force, and has no sign that says when it has.
      for (let attempt = 0; attempt < 600; attempt += 1) {
        if ((await tryPod('default', withContainer(attacks[0]!))).status === 422) return;
        await pause(100);
      }
      throw new Error('the policy was not in force within 600 attempts');
    });

    it('attack: no probe and no lifecycle handler of any container names a host, not even in the namespaces of our services', async () => {
      for (const namespace of ['default', ...ours])
        for (const fields of attacks)
          for (const spec of [withContainer(fields), withSidecar(fields)])
            expect(await tryPod(namespace, spec)).toMatchObject({
              status: 422,
              message: expect.stringContaining('may name a host') as string,
            });
    });

    it('probes and handlers without a host pass, and in kube-system those with one', async () => {
      for (const fields of healthy)
        for (const spec of [withContainer(fields), withSidecar(fields)])
          expect(await tryPod('default', spec)).toMatchObject({ status: 201 });
      for (const fields of attacks)
        expect(await tryPod('kube-system', withContainer(fields))).toMatchObject({ status: 201 });
    });
  });
}
