// What the token of one NMI may write, asked of a real API server with the manifests of deploy/. The kit's TokenRequest names
// no node: the administrator impersonates a token as Kubernetes 1.30 and later makes it.
import { setTimeout as pause } from 'node:timers/promises';
import { connectKube, type KubeTransport } from '@pod-identity/kit/kube';
import { startApiServer, type RunningApiServer } from '@pod-identity/kit/testing';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { connectImpersonator, type Told } from '../../../tools/stage/impersonation.ts';
import { applyObject, readManifests } from '../../../tools/stage/objects.ts';
import { inDeploy } from '../../../tools/stage/places.ts';
import { untilGranted } from '../../../tools/stage/rights.ts';

const server = await startApiServer({ flavour: 'v1.36' });
if ('skipped' in server) console.log(`the tests of deploy/policies are skipped: ${server.skipped}`);
describe.skipIf('skipped' in server)('what a stolen token may write', () => {
  if (!('skipped' in server)) suite(server);
});

interface Call {
  readonly method: string;
  readonly path: string;
  readonly body?: object;
  /** ServiceAccount of the namespace aad-pod-identity, and the node in its token; else the administrator. */
  readonly as?: { readonly account: 'nmi' | 'mic'; readonly node?: string };
}

const key = 'aadpodidentity.k8s.io/nmi-not-ready';
const gpu = { key: 'gpu', value: 'yes', effect: 'NoSchedule' };
const ours = { key, effect: 'NoSchedule' };

function suite(api: RunningApiServer) {
  let impersonate: Awaited<ReturnType<typeof connectImpersonator>>;
  let admin: KubeTransport;

  const call = ({ as, ...of }: Call): Promise<Told> =>
    impersonate({
      ...of,
      as: as && { user: `system:serviceaccount:aad-pod-identity:${as.account}`, nodeName: as.node },
    });
  /** Resolves when the API server obeys the rights among the objects of the file. */
  const apply = async (file: string) => {
    const objects = await readManifests(inDeploy(file));
    for (const object of objects) await applyObject(admin, object);
    await untilGranted(admin, objects);
  };

  const nodes = '/api/v1/nodes';
  const events = '/api/v1/namespaces/default/events';
  let serial = 0;
  const eventFrom = (host: string) => ({
    apiVersion: 'v1',
    kind: 'Event',
    metadata: { name: `e${++serial}`, namespace: 'default' },
    involvedObject: { apiVersion: 'v1', kind: 'Pod', namespace: 'default', name: 'p', uid: 'u' },
    reason: 'IdentityNotFound',
    message: 'text',
    type: 'Warning',
    count: 1,
    source: { component: 'aad-pod-identity-nmi', host },
    reportingComponent: 'aad-pod-identity-nmi',
    reportingInstance: host,
  });
  const post = (host: string, as: Call['as']) =>
    call({ method: 'POST', path: events, body: eventFrom(host), ...(as && { as }) });
  /** Creates nothing. */
  const tryPod = (spec: object, namespace = 'default') =>
    call({
      method: 'POST',
      path: `/api/v1/namespaces/${namespace}/pods?dryRun=All`,
      body: { apiVersion: 'v1', kind: 'Pod', metadata: { name: `p${++serial}`, namespace }, spec },
    });
  const withPort = (hostPort?: number) => ({
    name: 'a',
    image: 'a',
    ports: [{ containerPort: 80, ...(hostPort !== undefined && { hostPort }) }],
  });
  const patchNode = (node: string, body: object, as: Call['as']) =>
    call({ method: 'PATCH', path: `${nodes}/${node}`, body, ...(as && { as }) });

  beforeAll(async () => {
    impersonate = await connectImpersonator(api.kubeconfig, api.server);
    admin = await connectKube({ kubeconfig: api.kubeconfig, userAgent: 'nmi-test-admin' });
    for (const file of ['base/namespace', 'base/nmi/rbac', 'base/mic/rbac', 'components/startup-taint/rbac'])
      await apply(`${file}.yaml`);
    for (const name of ['n1', 'n2'])
      await call({
        method: 'POST',
        path: nodes,
        body: { apiVersion: 'v1', kind: 'Node', metadata: { name }, spec: { taints: [gpu, ours] } },
      });
  });
  afterAll(async () => {
    await admin.close();
    await api.stop();
  });

  it('with the roles of the manifests NMI may neither read nor change a node', async () => {
    const as = { account: 'nmi', node: 'n1' } as const;
    expect(await patchNode('n1', { spec: { taints: [] } }, as)).toMatchObject({ status: 403 });
    expect(await call({ method: 'GET', path: `${nodes}/n1`, as })).toMatchObject({ status: 403 });
  });

  it('with the roles of the manifests MIC may change no AzureIdentity, binding or exception, and make none', async () => {
    const as = { account: 'mic' } as const;
    for (const kind of ['azureidentities', 'azureidentitybindings', 'azurepodidentityexceptions']) {
      const path = `/apis/aadpodidentity.k8s.io/v1/namespaces/default/${kind}`;
      const calls: readonly Call[] = [
        { method: 'POST', path, body: {} },
        { method: 'PUT', path: `${path}/a`, body: {} },
        { method: 'PATCH', path: `${path}/a`, body: {} },
        { method: 'DELETE', path: `${path}/a` },
      ];
      for (const { method, ...of } of calls)
        expect([method, kind, (await call({ method, ...of, as })).status]).toEqual([method, kind, 403]);
    }
  });

  it('with the optional role and no policy a token of one node changes every node: this is what the policies are for', async () => {
    await apply('components/nmi-startup-taint/rbac.yaml');
    const as = { account: 'nmi', node: 'n1' } as const;
    expect(await patchNode('n2', { metadata: { labels: { stolen: 'yes' } } }, as)).toMatchObject({
      status: 200,
    });
    expect(await post('n2', as)).toMatchObject({ status: 201 });
  });

  describe('with deploy/policies', () => {
    beforeAll(async () => {
      await apply('policies/nmi-own-node.yaml');
      await apply('policies/startup-taint-only.yaml');
      await apply('policies/nmi-ports.yaml');
      // The API server takes a moment to put new policies into force, and has no sign that says when it has.
      for (let attempt = 0; attempt < 600; attempt += 1) {
        const isRefused = [
          await post('n2', { account: 'nmi', node: 'n1' }),
          await patchNode('n1', { metadata: { labels: { probe: `${attempt}` } } }, { account: 'mic' }),
          await tryPod({ containers: [withPort(2579)] }),
        ].every(({ status }) => status === 422);
        if (isRefused) return;
        await pause(100);
      }
      throw new Error('the policies were not in force within 600 attempts');
    });

    it('NMI writes Events of its own node, and none of another', async () => {
      const as = { account: 'nmi', node: 'n1' } as const;
      expect(await post('n1', as)).toMatchObject({ status: 201 });
      expect(await post('n2', as)).toMatchObject({
        status: 422,
        message: expect.stringContaining('NMI on node n1 may write Events of its own node only') as string,
      });
    });

    it('NMI changes no Event that another node wrote, and none into one of another node', async () => {
      const foreign = eventFrom('n2');
      await call({ method: 'POST', path: events, body: foreign });
      const as = { account: 'nmi', node: 'n1' } as const;
      const patch = (name: string, body: object) =>
        call({ method: 'PATCH', path: `${events}/${name}`, body, as });
      for (const body of [{ message: 'forged' }, { message: 'forged', reportingInstance: 'n1' }])
        expect(await patch(foreign.metadata.name, body)).toMatchObject({ status: 422 });
      const own = eventFrom('n1');
      await call({ method: 'POST', path: events, body: own, as });
      expect(await patch(own.metadata.name, { count: 2 })).toMatchObject({ status: 200 });
      expect(await patch(own.metadata.name, { reportingInstance: 'n2' })).toMatchObject({ status: 422 });
    });

    it('a token of NMI that names no node writes nothing', async () => {
      expect(await post('n1', { account: 'nmi' })).toMatchObject({
        status: 422,
        message: expect.stringContaining('names no node') as string,
      });
    });

    it('with the optional role NMI takes the start-up taint off its own node and does nothing else to any', async () => {
      const as = { account: 'nmi', node: 'n1' } as const;
      expect(await patchNode('n2', { spec: { taints: [gpu] } }, as)).toMatchObject({ status: 422 });
      for (const body of [
        { spec: { taints: [ours] } },
        { spec: { taints: [gpu, ours, { key: 'new', effect: 'NoExecute' }] } },
        { spec: { taints: [{ ...gpu, effect: 'NoExecute' }] } },
        { spec: { unschedulable: true } },
        { metadata: { labels: { role: 'master' } } },
        { metadata: { annotations: { a: 'b' } } },
      ])
        expect(await patchNode('n1', body, as)).toMatchObject({ status: 422 });
      expect(await patchNode('n1', { spec: { taints: [gpu] } }, as)).toMatchObject({ status: 200 });
    });

    it('MIC takes the start-up taint off any node and does nothing else to one', async () => {
      const as = { account: 'mic' } as const;
      for (const body of [
        { spec: { taints: [] } },
        { spec: { unschedulable: true } },
        // The API server lets these be set on a node that has none, as with Azure CNI.
        { spec: { podCIDR: '10.9.0.0/24', podCIDRs: ['10.9.0.0/24'] } },
        { spec: { podCIDR: '10.9.0.0/24' } },
        { metadata: { labels: { stolen: null } } },
      ])
        expect(await patchNode('n2', body, as)).toMatchObject({ status: 422 });
      expect(await patchNode('n2', { spec: { taints: [gpu] } }, as)).toMatchObject({ status: 200 });
    });

    it('no Pod of the network of pods has a hostPort of NMI, in any of its containers', async () => {
      const fine = withPort(8080);
      for (const port of [2579, 8086, 9090])
        for (const spec of [
          { containers: [withPort(port)] },
          { containers: [fine, withPort(port)] },
          { containers: [fine], initContainers: [{ ...withPort(port), restartPolicy: 'Always' }] },
        ])
          expect(await tryPod(spec)).toMatchObject({
            status: 422,
            message: expect.stringContaining("are NMI's") as string,
          });
    });

    it('Pods with other ports, of the network of the node and of NMI itself are left alone', async () => {
      const plain = { name: 'a', image: 'a' };
      for (const containers of [[withPort(8080)], [withPort()], [plain]])
        expect(await tryPod({ containers })).toMatchObject({ status: 201 });
      expect(await tryPod({ hostNetwork: true, containers: [withPort(9090)] })).toMatchObject({
        status: 201,
      });
      expect(await tryPod({ containers: [withPort(9090)] }, 'aad-pod-identity')).toMatchObject({
        status: 201,
      });
    });

    it('everybody else is left alone', async () => {
      expect(await post('n9', undefined)).toMatchObject({ status: 201 });
      expect(await patchNode('n1', { metadata: { labels: { by: 'admin' } } }, undefined)).toMatchObject({
        status: 200,
      });
    });
  });
}
