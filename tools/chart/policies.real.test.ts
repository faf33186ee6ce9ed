// The chart's admission policies on a real API server: they are for the accounts and the taint of the release, wherever it is.
import { setTimeout as pause } from 'node:timers/promises';
import { connectKube, type KubeTransport } from '@pod-identity/kit/kube';
import { startApiServer, type RunningApiServer } from '@pod-identity/kit/testing';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { connectImpersonator, type Told } from '../stage/impersonation.ts';
import { applyObject, deleteObject, type KubeObject } from '../stage/objects.ts';
import { untilGranted } from '../stage/rights.ts';
import { findHelm } from './helm-for-tests.ts';
import { objectsOf, renderChart } from './render.ts';

const helm = await findHelm('4.2.3');
const server = helm.kind === 'missing' ? { skipped: helm.why } : await startApiServer({ flavour: 'v1.36' });
if ('skipped' in server) console.warn(`skipped the policies of the chart: ${server.skipped}`);
describe.skipIf('skipped' in server)('a stolen token', () => {
  if (!('skipped' in server)) suite(server);
});

interface Release {
  readonly namespace: string;
  readonly operationMode: 'standard' | 'managed';
  readonly startupTaint: string;
}
const releases: readonly Release[] = [
  {
    namespace: 'aad-pod-identity',
    operationMode: 'standard',
    startupTaint: 'aadpodidentity.k8s.io/nmi-not-ready',
  },
  { namespace: 'elsewhere', operationMode: 'standard', startupTaint: 'example/nmi-is-coming' },
  { namespace: 'elsewhere', operationMode: 'managed', startupTaint: 'example/nmi-is-coming' },
];

const [allowed, refused] = [{ status: 200 }, { status: 422 }];
const gpu = { key: 'gpu', effect: 'NoSchedule' };
const applied = /^(ServiceAccount|ClusterRole|ClusterRoleBinding|ValidatingAdmissionPolicy.*)$/;

function suite(api: RunningApiServer) {
  let impersonate: Awaited<ReturnType<typeof connectImpersonator>>;
  let admin: KubeTransport;
  let serial = 0;

  beforeAll(async () => {
    impersonate = await connectImpersonator(api.kubeconfig, api.server);
    admin = await connectKube({ kubeconfig: api.kubeconfig, userAgent: 'chart-policies-test' });
  });
  afterAll(async () => {
    await admin.close();
    await api.stop();
  });

  describe.each(releases)('in $namespace, mode $operationMode', ({ namespace, ...values }) => {
    let objects: readonly KubeObject[];
    const node = { apiVersion: 'v1', kind: 'Node', metadata: { name: 'n1' } };
    const taint = { key: values.startupTaint, effect: 'NoSchedule' };

    /** By the account with a token of a pod on node n1. */
    const patchNode = (account: string, name: string, body: object): Promise<Told> => {
      const as = { user: `system:serviceaccount:${namespace}:${account}`, nodeName: 'n1' };
      return impersonate({ method: 'PATCH', path: `/api/v1/nodes/${name}`, body, as });
    };
    const writeEvent = (host: string): Promise<Told> => {
      const as = { user: `system:serviceaccount:${namespace}:nmi`, nodeName: 'n1' };
      const body = {
        apiVersion: 'v1',
        kind: 'Event',
        metadata: { name: `e${++serial}`, namespace: 'default' },
        involvedObject: { apiVersion: 'v1', kind: 'Pod', namespace: 'default', name: 'p', uid: 'u' },
        reportingInstance: host,
      };
      return impersonate({ method: 'POST', path: '/api/v1/namespaces/default/events', body, as });
    };
    const remover = values.operationMode === 'standard' ? 'mic' : 'nmi';

    beforeAll(async () => {
      const given = { admissionPolicies: true, ...values };
      const text = await renderChart(helm.kind === 'found' ? helm.program : '', {
        values: given,
        kubeVersion: '1.36',
        namespace,
      });
      objects = objectsOf(text).filter(({ kind }) => applied.test(kind));
      await applyObject(admin, { apiVersion: 'v1', kind: 'Namespace', metadata: { name: namespace } });
      for (const name of ['n1', 'n2'])
        await applyObject(admin, { ...node, metadata: { name }, spec: { taints: [gpu, taint] } });
      for (const object of objects) await applyObject(admin, object);
      await untilGranted(admin, objects);
      // The API server takes a moment to put new policies into force, and has no sign that says when it has.
      for (let attempt = 0; attempt < 600; attempt += 1) {
        const probes = [
          await writeEvent('n2'),
          await patchNode(remover, 'n1', { metadata: { labels: { probe: String(attempt) } } }),
        ];
        if (probes.every(({ status }) => status === 422)) return;
        await pause(100);
      }
      throw new Error('the policies were not in force within 600 attempts');
    });
    afterAll(async () => {
      for (const object of objects) await deleteObject(admin, object);
    });

    test('of NMI writes Events of its own node, and none of another', async () => {
      expect(await writeEvent('n1')).toMatchObject({ status: 201 });
      expect(await writeEvent('n2')).toMatchObject(refused);
    });

    test('takes the start-up taint of the values off a node, and does nothing else to one', async () => {
      for (const body of [
        { spec: { taints: [taint] } },
        { spec: { unschedulable: true } },
        { spec: { podCIDR: '10.9.0.0/24' } },
        { spec: { podCIDR: '10.9.0.0/24', podCIDRs: ['10.9.0.0/24'] } },
        { metadata: { labels: { stolen: 'yes' } } },
      ])
        expect(await patchNode(remover, 'n1', body)).toMatchObject(refused);
      expect(await patchNode(remover, 'n1', { spec: { taints: [gpu] } })).toMatchObject(allowed);
      const ofAnother = await patchNode(remover, 'n2', { spec: { taints: [gpu] } });
      expect(ofAnother).toMatchObject(remover === 'mic' ? allowed : refused);
    });
  });
}
