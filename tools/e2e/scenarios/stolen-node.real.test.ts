// What the kubelet of a stolen node can create on a real API server with NodeRestriction, and that MIC attaches nothing for it.
import { startApiServer, type RunningApiServer } from '@pod-identity/kit/testing';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { createAccount, createNamespace } from '../access/people.ts';
import { grantObjects } from '../granted.ts';
import { untilPodEvent } from '../access/told.ts';
import {
  addIdentity,
  addPool,
  assignedOf,
  bind,
  podOf,
  startPod,
  untilAssigned,
  type Pool,
} from '../objects.ts';
import { connectImpersonator, type Told } from '../../stage/impersonation.ts';
import { pathOf, type KubeObject } from '../../stage/objects.ts';
import { openStage, type Stage } from '../../stage/stage.ts';

const server = await startApiServer({ flavour: 'v1.20' });
if ('skipped' in server) console.warn(`stolen-node is skipped: ${server.skipped}`);

describe.skipIf('skipped' in server)('the kubelet of a stolen node', () => {
  if (!('skipped' in server)) suite(server);
});

interface PodParts {
  readonly annotations?: object;
  readonly spec?: object;
}

function suite(api: RunningApiServer) {
  let stage: Stage;
  let honest: Pool;
  let stolen: Pool;
  let asKubelet: (method: string, path: string, body: object) => Promise<Told>;

  const pods = pathOf({ apiVersion: 'v1', kind: 'Pod', namespace: 'shop' });
  const mirror = { 'kubernetes.io/config.mirror': 'hash' };
  /** As a kubelet creates it for a static pod, but for the part that is given. */
  const podOn = (pool: Pool, name: string, { annotations = mirror, spec }: PodParts = {}): object => ({
    apiVersion: 'v1',
    kind: 'Pod',
    metadata: { name, labels: { aadpodidbinding: 'till' }, annotations, ownerReferences: [owner] },
    spec: { nodeName: pool.nodes[0], containers: [{ name: 'app', image: 'local.test/app:1' }], ...spec },
  });
  let owner: object;

  beforeAll(async () => {
    stage = await openStage({ kubeconfig: api.kubeconfig });
    await stage.install();
    await createNamespace(stage, 'shop');
    await createAccount(stage, 'shop', 'default');
    honest = await addPool(stage, 'honest');
    stolen = await addPool(stage, 'stolen');
    const [node = ''] = stolen.nodes;
    const call = await connectImpersonator(api.kubeconfig, api.server);
    const as = { user: `system:node:${node}`, groups: ['system:nodes', 'system:authenticated'] };
    asKubelet = (method, path, body) => call({ method, path, body, as });
    const path = pathOf({ apiVersion: 'v1', kind: 'Node', name: node });
    const { metadata } = (await stage.kube.request({ method: 'GET', path })) as KubeObject;
    owner = { apiVersion: 'v1', kind: 'Node', name: node, uid: metadata.uid, controller: true };
    const till = addIdentity(stage, 'till');
    await bind(stage, { ...till, name: 'till', namespace: 'shop' });
    const spec = { type: 0, resourceID: till.resourceId };
    for (const object of grantObjects('shop', ['default'], spec)) await stage.create(object);
  });
  afterAll(async () => {
    await stage.stop();
    await api.stop();
  });

  test('can create no pod with a ServiceAccount, for another node or without the mark of a mirror pod', async () => {
    const refused: Readonly<Record<string, object>> = {
      'can not create pods that reference a service account': podOn(stolen, 'a', {
        spec: { serviceAccountName: 'default' },
      }),
      'can only create pods with spec.nodeName set to itself': podOn(honest, 'b'),
      'can only create mirror pods': podOn(stolen, 'c', { annotations: {} }),
    };
    for (const [why, pod] of Object.entries(refused)) {
      const { status, message } = await asKubelet('POST', pods, pod);
      expect([status, message]).toEqual([403, expect.stringContaining(why)]);
    }
  });

  test.each(['namespace', 'rbac'])(
    'has nothing attached to its machine by its mirror pods, which are told why, in mode %s',
    async (mode) => {
      const mic = await stage.startMic(mode, ['--identity-access', mode]);
      const name = `static-${mode}`;
      const created = await asKubelet('POST', pods, podOn(stolen, name));
      expect([created.status, created.message]).toEqual([201, '']);
      const of = { namespace: 'shop', pod: name, reason: 'IdentityNotFound', from: 'mic' } as const;
      expect(await untilPodEvent(stage, of)).toContain(`Pod shop/${name} has no ServiceAccount,`);
      const web = { name: `web-${mode}`, namespace: 'shop', node: honest.nodes[0] ?? '', label: 'till' };
      await startPod(stage, web);
      await untilAssigned(stage.kube, [web.name], { namespace: 'shop' });
      expect([honest.attached(), stolen.attached()]).toEqual([['till'], []]);
      const holders = (await assignedOf(stage.kube, 'shop')).map(podOf);
      expect(holders.filter((pod) => pod.startsWith('static'))).toEqual([]);
      await mic.stop();
    },
  );

  test('can give a mirror pod no ServiceAccount and other labels afterwards', async () => {
    const path = `${pods}/static-rbac`;
    const account = { spec: { serviceAccountName: 'default' } };
    const unmarked = { metadata: { annotations: { 'kubernetes.io/config.mirror': null } } };
    const labels = { metadata: { labels: { app: 'web' } } };
    const patches: readonly (readonly [string, object])[] = [
      [path, account],
      [path, unmarked],
      [`${path}/status`, unmarked],
      [`${path}/status`, labels],
    ];
    for (const [of, body] of patches) expect((await asKubelet('PATCH', of, body)).status).not.toBe(200);
    await asKubelet('PATCH', `${path}/status`, account);
    const { spec } = (await stage.kube.request({ method: 'GET', path })) as KubeObject;
    expect(spec).not.toHaveProperty('serviceAccountName');
  });
}
