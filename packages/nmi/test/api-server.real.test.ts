// What the agent asks of the API server, asked of real ones with no other rights than those of the manifests.
import { connectKube, createNodeTaintDoor, type KubeTransport } from '@pod-identity/kit/kube';
import { createLog, systemClock } from '@pod-identity/kit/serve';
import { startApiServer, type ApiServerFlavour, type RunningApiServer } from '@pod-identity/kit/testing';
import { afterAll, beforeAll, describe, expect, it, onTestFinished } from 'vitest';
import { applyObject, readManifests, type KubeObject } from '../../../tools/stage/objects.ts';
import { inDeploy } from '../../../tools/stage/places.ts';
import { untilGranted } from '../../../tools/stage/rights.ts';
import { isNoResponse } from '../src/identify/results.ts';
import { createCallerFinder } from '../src/identify/find-caller.ts';
import { createPodInformer } from '../src/identify/pod-directory.ts';
import { keepStartupTaintOff } from '../src/ready/startup-taint.ts';
import { createSecretReader, type SecretReference } from '../src/tokens/principal/secret-reader.ts';
import { connection, nothingKnown, nothingShown } from './builders.ts';
import { connectAs } from './connect-as.ts';

const node = 'node-1';
const taint = 'aadpodidentity.k8s.io/nmi-not-ready';

for (const flavour of ['v1.36', 'v1.20'] as const satisfies ApiServerFlavour[]) {
  const server = await startApiServer({ flavour });
  if ('skipped' in server)
    console.log(`the tests against a real API server ${flavour} are skipped: ${server.skipped}`);
  describe.skipIf('skipped' in server)(`the real API server ${flavour}`, () => {
    if (!('skipped' in server)) suite(server);
  });
}

function suite(server: RunningApiServer) {
  let admin: KubeTransport;
  let nmi: KubeTransport;
  let nobody: KubeTransport;
  const post = (path: string, body: object) => admin.request({ method: 'POST', path, body });

  beforeAll(async () => {
    admin = await connectKube({ kubeconfig: server.kubeconfig, userAgent: 'nmi-test-admin' });
    const rights: KubeObject[] = [];
    for (const file of [
      'base/namespace.yaml',
      'base/nmi/rbac.yaml',
      'components/nmi-startup-taint/rbac.yaml',
      'components/service-principals/role.yaml',
    ])
      for (const object of await readManifests(inDeploy(file))) {
        await applyObject(admin, object);
        rights.push(object);
      }
    await untilGranted(admin, rights);
    // Nothing makes it here, and no pod is let in without.
    const account = { apiVersion: 'v1', kind: 'ServiceAccount', metadata: { name: 'default' } };
    await post('/api/v1/namespaces/default/serviceaccounts', account);
    nmi = await connectAs(server, 'aad-pod-identity/nmi');
    nobody = await connectAs(server, 'aad-pod-identity/nobody');
  });
  afterAll(async () => {
    await Promise.all([admin, nmi, nobody].map((transport) => transport.close()));
    await server.stop();
  });

  const pods = '/api/v1/namespaces/default/pods';
  const runPod = async (name: string, ip: string) => {
    await post(pods, {
      apiVersion: 'v1',
      kind: 'Pod',
      metadata: { name, labels: { of: name } },
      spec: {
        nodeName: node,
        automountServiceAccountToken: false,
        containers: [{ name: 'main', image: 'local.test/app:1' }],
      },
    });
    await become(name, { phase: 'Running', podIP: ip, podIPs: [{ ip }] });
  };
  const become = (name: string, status: object) =>
    admin.request({
      method: 'PATCH',
      path: `${pods}/${name}/status`,
      contentType: 'application/merge-patch+json',
      body: { status },
    });
  const deletePod = (name: string, gracePeriodSeconds: number) =>
    admin.request({
      method: 'DELETE',
      path: `${pods}/${name}`,
      body: { apiVersion: 'v1', kind: 'DeleteOptions', gracePeriodSeconds },
    });

  const podInformer = (transport: KubeTransport) =>
    createPodInformer({
      node,
      transport,
      clock: systemClock,
      random: Math.random,
      onFailed: () => expect.unreachable(),
      lastResponseMs: () => Infinity,
      log: createLog({ component: 'nmi', level: 'error' }),
    });

  /** Finds callers by a memory that was filled once and never updated. */
  const withFrozenWatch = async () => {
    const stop = new AbortController();
    onTestFinished(() => stop.abort());
    const directory = podInformer({ ...nmi, watch: ({ signal }) => silence(signal) });
    void directory.informer.run(stop.signal);
    await directory.informer.synced;
    const callers = createCallerFinder({
      pods: directory,
      clock: systemClock,
      check: { ageMs: 0, outageMs: 0 },
      holdMs: 0,
      patienceMs: 5_000,
      neighbours: nothingKnown,
      containers: nothingShown,
    });
    /** Over a connection that is opened now. */
    const call = (address: string) =>
      callers.find(address, connection(systemClock.elapsed()), {
        deadline: systemClock.elapsed() + 30_000,
        caller: { gone: new AbortController().signal },
      });
    return { call, directory };
  };

  it('item 13: says who has an address now, whatever the watch said last', async () => {
    await runPod('old', '10.0.0.1');
    const { call } = await withFrozenWatch();
    await expect(call('10.0.0.1')).resolves.toMatchObject({ pod: { name: 'old' } });
    await deletePod('old', 0);
    await expect(call('10.0.0.1')).resolves.toEqual({ kind: 'none' });
    await runPod('new', '10.0.0.1');
    await expect(call('10.0.0.1')).resolves.toMatchObject({
      pod: { name: 'new', labels: { of: 'new' } },
    });
  });

  it('shows a pod that ends with the end of its grace, and the newer claimant beside it', async () => {
    const { call, directory } = await withFrozenWatch();
    await runPod('ending', '10.0.0.2');
    await deletePod('ending', 60);
    const found = await call('10.0.0.2');
    expect(found).toMatchObject({ kind: 'pod', pod: { name: 'ending', isEnding: true } });
    const said = await directory.readAll();
    if (isNoResponse(said)) throw new Error(said.why);
    const seen = said.find(({ name }) => name === 'ending');
    expect((seen?.endsAt ?? 0) - Date.now()).toBeGreaterThan(30_000);
    await runPod('heir', '10.0.0.2');
    await expect(call('10.0.0.2')).resolves.toMatchObject({ pod: { name: 'heir' } });
  });

  it.each(['Succeeded', 'Failed'])(
    'a pod that becomes %s loses its address at once: the watch deletes it',
    async (phase) => {
      const name = phase.toLowerCase();
      await runPod(name, '10.0.0.3');
      const stop = new AbortController();
      onTestFinished(() => stop.abort());
      const directory = podInformer(nmi);
      const gone = new Promise<void>((resolve) =>
        directory.informer.onChange(
          (change) => change.type === 'deleted' && change.before.name === name && resolve(),
        ),
      );
      void directory.informer.run(stop.signal);
      await directory.informer.synced;
      expect(directory.filedUnder('10.0.0.3')).toMatchObject([{ name }]);
      await become(name, { phase });
      await gone;
      expect(directory.filedUnder('10.0.0.3')).toEqual([]);
      const said = await directory.readAll();
      if (isNoResponse(said)) throw new Error(said.why);
      expect(said.filter((pod) => pod.name === name)).toEqual([]);
      await expect(directory.read({ namespace: 'default', name })).resolves.toMatchObject([{ phase }]);
    },
  );

  const nodes = '/api/v1/nodes';
  const removalOf = (transport: KubeTransport, lines: string[]) => {
    const once = new AbortController();
    return keepStartupTaintOff(
      {
        node: createNodeTaintDoor(transport, node),
        key: taint,
        problems: () => Promise.resolve([]),
        log: createLog({ component: 'nmi', destination: { write: (line) => lines.push(line) } }),
        clock: {
          ...systemClock,
          sleep: () => {
            once.abort();
            return Promise.resolve();
          },
        },
      },
      once.signal,
    );
  };
  const taintsOf = async () => {
    const { spec } = (await admin.request({ method: 'GET', path: `${nodes}/${node}` })) as {
      spec: { taints?: { key: string }[] };
    };
    return (spec.taints ?? []).map(({ key }) => key);
  };

  it('item 17: lets the start-up taint be taken off with the rights of the optional role, and no other one', async () => {
    await post(nodes, {
      apiVersion: 'v1',
      kind: 'Node',
      metadata: { name: node },
      spec: {
        taints: [
          { key: taint, effect: 'NoSchedule' },
          { key: 'gpu', effect: 'NoSchedule' },
        ],
      },
    });
    const without: string[] = [];
    await removalOf(nobody, without);
    expect(await taintsOf()).toContain(taint);
    expect(without.join('\n')).toContain('verbs get and patch on nodes');

    const before = await taintsOf();
    const lines: string[] = [];
    await removalOf(nmi, lines);
    expect(await taintsOf()).toEqual(before.filter((key) => key !== taint));
    expect(lines.join('\n')).toContain('taint removed');
  });

  it('W-S1: lets NMI read Secrets only in a namespace with a RoleBinding for that', async () => {
    await post('/api/v1/namespaces', { apiVersion: 'v1', kind: 'Namespace', metadata: { name: 'team' } });
    for (const namespace of ['default', 'team'])
      await post(`/api/v1/namespaces/${namespace}/secrets`, {
        apiVersion: 'v1',
        kind: 'Secret',
        metadata: { name: 'app', namespace },
        data: { clientSecret: Buffer.from('value').toString('base64') },
      });
    await post('/apis/rbac.authorization.k8s.io/v1/namespaces/team/rolebindings', {
      apiVersion: 'rbac.authorization.k8s.io/v1',
      kind: 'RoleBinding',
      metadata: { name: 'nmi-secrets', namespace: 'team' },
      roleRef: {
        apiGroup: 'rbac.authorization.k8s.io',
        kind: 'ClusterRole',
        name: 'pod-identity-nmi-secrets',
      },
      subjects: [{ kind: 'ServiceAccount', name: 'nmi', namespace: 'aad-pod-identity' }],
    });
    const reader = createSecretReader(nmi);
    const read = (reference: SecretReference) => reader.read(reference, 'secret');
    // The API server's own watch of RoleBindings may be behind.
    await expect
      .poll(() => read({ namespace: 'team', name: 'app' }).then(() => 'read', String), {
        message: 'the API server to heed the RoleBinding',
      })
      .toBe('read');
    const { stored, version } = await read({ namespace: 'team', name: 'app' });
    expect(stored).toEqual({ kind: 'secret', value: 'value' });
    expect(version).toMatch(/^\S+ \d+$/);
    await expect(read({ namespace: 'default', name: 'app' })).rejects.toMatchObject({
      code: 'misconfigured',
      message: expect.stringContaining('RoleBinding in namespace default') as string,
    });
    await expect(read({ namespace: 'team', name: 'other' })).rejects.toMatchObject({
      code: 'misconfigured',
      message: expect.stringContaining('Secret team/other') as string,
    });
  });

  it('item 17: refuses to write taints over a change that came in between', async () => {
    const door = createNodeTaintDoor(nmi, node);
    const seen = await door.read();
    await door.replace({ ...seen, taints: [...seen.taints, { key: 'late', effect: 'NoSchedule' }] });
    await expect(door.replace(seen)).rejects.toMatchObject({ code: 'conflict' });
    expect(await taintsOf()).toContain('late');
  });
}

async function* silence(signal: AbortSignal | undefined): AsyncGenerator<never> {
  await new Promise<void>((resolve) => signal?.addEventListener('abort', () => resolve()));
  yield* [];
}
