// Probes with `host` of anybody's Pods: the kubelet sends them from the address that it asks for the services' own state with.
import { whyNoCluster } from '@pod-identity/kit/testing';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { pathOf, type KubeObject } from '../../stage/objects.ts';
import { untilObject } from '../../stage/until.ts';
import { withState } from '../cluster/rollout.ts';
import { statusOf } from '../cluster/scene.ts';
import { openClusterStage, type ClusterStage } from '../cluster/stage.ts';

const missing = whyNoCluster();
if (missing !== undefined) console.warn(`probes with a host are skipped on a real cluster: ${missing}`);

/** Each asks once a second. */
const deputies = 18;
/** With requests as probes and a limit for each address, the broker was not ready after 20 s. */
const attackSeconds = 60;

const pod = (name: string, containers: readonly object[]): KubeObject => ({
  apiVersion: 'v1',
  kind: 'Pod',
  metadata: { name, namespace: 'default' },
  spec: { automountServiceAccountToken: false, terminationGracePeriodSeconds: 0, containers },
});
const attacker = (host: string, name: string) =>
  pod(
    name,
    Array.from({ length: deputies }, (_, index) => ({
      name: `deputy-${index}`,
      image: 'local.test/pause:1',
      imagePullPolicy: 'Never',
      readinessProbe: { httpGet: { host, port: 8080, path: '/readyz' }, periodSeconds: 1 },
    })),
  );
/** Ready when the kubelet has had it for the time of the attack. */
const clock = pod('clock', [
  {
    name: 'clock',
    image: 'your-registry.invalid/aad-pod-identity/nmi:0.1.0',
    command: ['/usr/bin/node', '-e', 'setInterval(() => undefined, 60_000)'],
    imagePullPolicy: 'Never',
    readinessProbe: { exec: { command: ['/usr/bin/test', 'a'] }, initialDelaySeconds: attackSeconds },
  },
]);

interface Condition {
  readonly type: string;
  readonly status: string;
  readonly lastTransitionTime?: string;
}
const readyOf = (object: KubeObject) =>
  statusOf(object).conditions?.find(({ type }) => type === 'Ready') as Condition | undefined;

describe.skipIf(missing !== undefined)('on a real cluster with MIC and the broker', () => {
  let stage: ClusterStage;
  let stop: () => Promise<void> = () => Promise.resolve();

  const untilReady = (namespace: string, start: string, restarts = 0) =>
    withState(stage, () =>
      untilObject(stage.kube, {
        path: pathOf({ apiVersion: 'v1', kind: 'Pod', namespace }),
        fits: (each) =>
          each.metadata.name.startsWith(start) &&
          readyOf(each)?.status === 'True' &&
          (statusOf(each).containerStatuses ?? []).every(({ restartCount }) => restartCount >= restarts),
        withinMs: 240_000,
      }),
    );

  beforeAll(async () => {
    stage = await openClusterStage({ nodes: 1, flavour: 'v1.34' });
    stop = () => stage.stop();
    await stage.prepare();
    await stage.apply('base/mic/deployment.yaml');
    for (const part of ['namespace', 'replicas', 'rbac', 'deployment'])
      await stage.apply(`components/broker/parts/${part}.yaml`);
  });
  afterAll(() => stop());

  test('attack: probes with a host of other Pods ask the health ports eighteen times a second, and MIC and the broker stay ready', async () => {
    const services = [
      await untilReady('aad-pod-identity', 'mic-'),
      await untilReady('aad-pod-identity-broker', 'broker-'),
    ];
    for (const [host, name] of [
      ['127.0.0.1', 'asks-mic'],
      [statusOf(services[1]!).podIP!, 'asks-broker'],
    ] as const) {
      await stage.create(attacker(host, name));
      // Its probes are answered.
      await untilReady('default', name);
    }
    await stage.create(clock);
    await untilReady('default', 'clock');
    for (const before of services) {
      const { name, namespace = '' } = before.metadata;
      const after = await untilReady(namespace, name);
      const [container] = statusOf(after).containerStatuses ?? [];
      // The same transition: it was ready all the time.
      expect([name, readyOf(after), container?.restartCount]).toEqual([name, readyOf(before), 0]);
    }
  });

  test('a broker that hangs is restarted, and ready again with the file of the process before it', async () => {
    const { name, uid = '' } = (await untilReady('aad-pod-identity-broker', 'broker-')).metadata;
    const stopProcess = 'kill -STOP $(grep -als "POD_UID=$1" /proc/[0-9]*/environ | cut -d/ -f3)';
    await stage.nodes[0].on('sh', '-c', stopProcess, 'sh', uid);
    await untilReady('aad-pod-identity-broker', name, 1);
  });
});
