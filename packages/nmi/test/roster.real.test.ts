// The roster on real API servers, with the rights of the broker and of NMI on its ConfigMap and nothing more.
import { connectKube, type KubeTransport } from '@pod-identity/kit/kube';
import { createLog, systemClock } from '@pod-identity/kit/serve';
import { startApiServer, type ApiServerFlavour, type RunningApiServer } from '@pod-identity/kit/testing';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { applyObject, type KubeObject } from '../../../tools/stage/objects.ts';
import { untilGranted } from '../../../tools/stage/rights.ts';
import { createRoster } from '../src/broker/roster/roster.ts';
import { watchReplicas } from '../src/tokens/federated/replicas.ts';
import { connectAs } from './connect-as.ts';

const namespace = 'broker';
const rbac = 'rbac.authorization.k8s.io';
const map: KubeObject = {
  apiVersion: 'v1',
  kind: 'ConfigMap',
  metadata: { name: 'broker-replicas', namespace },
};
const mapPath = `/api/v1/namespaces/${namespace}/configmaps/broker-replicas`;

const role = (name: string, rules: readonly object[]): KubeObject => ({
  apiVersion: `${rbac}/v1`,
  kind: 'Role',
  metadata: { name, namespace },
  rules,
});
const bind = (name: string, account: string): KubeObject => ({
  apiVersion: `${rbac}/v1`,
  kind: 'RoleBinding',
  metadata: { name, namespace },
  roleRef: { apiGroup: rbac, kind: 'Role', name },
  subjects: [{ kind: 'ServiceAccount', namespace, name: account }],
});
const ofMap = { apiGroups: [''], resources: ['configmaps'], resourceNames: ['broker-replicas'] };
const rights = [
  role('broker', [
    { ...ofMap, verbs: ['get', 'update'] },
    { apiGroups: [''], resources: ['pods'], verbs: ['get'] },
  ]),
  bind('broker', 'broker'),
  role('nmi', [{ ...ofMap, verbs: ['list', 'watch'] }]),
  bind('nmi', 'nmi'),
];

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
  let broker: KubeTransport;
  let nmi: KubeTransport;
  const stop = new AbortController();
  const ended: Promise<void>[] = [];
  const lines: string[] = [];
  const common = {
    clock: systemClock,
    random: Math.random,
    log: createLog({ component: 'nmi', destination: { write: (line) => void lines.push(line) } }),
  };

  const entries = async () => {
    const { data } = (await admin.request({ method: 'GET', path: mapPath })) as { data: object };
    return Object.keys(data);
  };

  beforeAll(async () => {
    admin = await connectKube({ kubeconfig: server.kubeconfig, userAgent: 'nmi-test-admin' });
    await applyObject(admin, { apiVersion: 'v1', kind: 'Namespace', metadata: { name: namespace } });
    for (const object of [{ ...map, data: { gone: '{}' } }, ...rights]) await applyObject(admin, object);
    await untilGranted(admin, rights);
    [broker, nmi] = [
      await connectAs(server, `${namespace}/broker`),
      await connectAs(server, `${namespace}/nmi`),
    ];
  });
  afterAll(async () => {
    stop.abort();
    await Promise.all(ended);
    await Promise.all([admin, broker, nmi].map((transport) => transport.close()));
    await server.stop();
  });

  it('NMI sees a replica, also after a wipe by kubectl replace, until it ends; entries of pods that are gone go', async () => {
    const replicas = watchReplicas({ ...common, transport: nmi, namespace });
    const changed = () =>
      new Promise<readonly string[]>((resolve) => {
        const unsubscribe = replicas.informer.onChange((change) => {
          unsubscribe();
          resolve(change.type === 'deleted' ? [] : change.after.map(({ uid }) => uid));
        });
      });
    ended.push(replicas.informer.run(stop.signal));
    await replicas.informer.synced;
    const pod = { namespace, name: 'broker-a', uid: 'uid-a', address: '10.0.0.7' };
    const listener = { port: 8443, onRenewed: () => undefined };
    const roster = await createRoster({ ...common, ...listener, transport: broker, pod });
    const leave = new AbortController();
    const written = changed();
    const running = roster.run(leave.signal);
    expect(await written).toEqual(['uid-a']);
    expect(await entries()).toEqual(['broker-a']);

    const wiped = changed();
    await admin.request({ method: 'PUT', path: mapPath, body: map });
    expect(await wiped).toEqual([]);
    expect(await changed()).toEqual(['uid-a']);

    const removed = changed();
    leave.abort();
    expect(await removed).toEqual([]);
    await running;
    expect(lines).toEqual([]);
  });
}
