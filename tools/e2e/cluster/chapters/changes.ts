// Updates of the services while pods request tokens.
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import * as names from '../../../stage/names.ts';
import { deleteObject, pathOf, type KubeObject } from '../../../stage/objects.ts';
import { untilNone } from '../../../stage/until.ts';
import { startLoad, type Load } from '../load.ts';
import { rolledOut } from '../rollout.ts';
import * as scene from '../scene.ts';
import type { ClusterStage } from '../stage.ts';
import { lineAfter, nextLine } from '../told.ts';

const system = ['--namespace', names.systemNamespace];
const image = (service: string, version: string) =>
  `your-registry.invalid/aad-pod-identity/${service}:${version}`;

export function describeChanges(open: () => ClusterStage): void {
  describe('updates under load', () => {
    let stage: ClusterStage;
    let clientId: string;
    let load: Load;
    let stop: () => Promise<void> = () => Promise.resolve();
    beforeAll(async () => {
      stage = open();
      ({ clientId } = await scene.bindIdentity(stage, 'load'));
      load = await startLoad(stage, 'load');
      stop = () => load.stop();
      for (const node of stage.nodes)
        for (const service of ['mic', 'nmi'])
          await node.on(
            'ctr',
            '-n',
            'k8s.io',
            'images',
            'tag',
            image(service, '0.1.0'),
            image(service, '0.1.1'),
          );
    });
    afterAll(() => stop());

    test('NMI goes from one version to the next, one node after the other: requests are refused for a moment, none is misdirected', async () => {
      const begin = load.begin();
      const version = image('nmi', '0.1.1');
      await stage.kubectl(
        'set',
        'image',
        ...system,
        'daemonset/nmi',
        `nmi=${version}`,
        `install-redirect=${version}`,
      );
      await rolledOut(stage, 'daemonset/nmi');
      const { applications, failures, requests } = await load.since(begin, 20);
      console.log(
        `NMI updated with maxUnavailable 1: ${requests} requests, failed: ${JSON.stringify(failures)}`,
      );
      expect(applications).toEqual([clientId]);
      // Kubernetes before 1.22 ends the old agent before it starts the new one.
      for (const failure of Object.keys(failures))
        expect(failure).toMatch(/^error (ECONNREFUSED|ECONNRESET)$|^503 /);
      expect(await stage.bypasses()).toEqual([]);
    });

    test('an NMI whose API server does not answer stops at the first node: only its calls are refused, and rollout undo brings NMI back', async () => {
      const nmi = [...system, 'daemonset/nmi'];
      const containers = [{ name: 'nmi', env: [{ name: 'KUBERNETES_SERVICE_HOST', value: '10.40.0.99' }] }];
      const patch = JSON.stringify({ spec: { template: { spec: { containers } } } });
      const begin = load.begin();
      await stage.kubectl('patch', ...nmi, `--patch=${patch}`);
      const broken = await Promise.race(
        stage.nodes.map(async ({ name }) => {
          await nextLine(stage.told(load.podOn(name)), (line) => line === 'error ECONNREFUSED');
          return name;
        }),
      );
      const said = stage.nodes.map(({ name }, index) => ({
        lines: stage.told(load.podOn(name)),
        from: begin[index] ?? 0,
        isBroken: name === broken,
      }));
      for (const { lines, from, isBroken } of said)
        // Longer than an update of both nodes takes.
        if (!isBroken) await lineAfter(lines, from + 1_500, { fits: () => true });
      for (const { lines, from, isBroken } of said) {
        const others = lines.all.slice(from).filter((line) => line !== `200 ${clientId}`);
        expect(
          others.filter((line) => !isBroken || !/^error (ECONNREFUSED|ECONNRESET)$|^503 /.test(line)),
        ).toEqual([]);
      }
      await stage.kubectl('rollout', 'undo', ...nmi);
      await rolledOut(stage, 'daemonset/nmi');
      expect(await scene.nextToken(stage, load.podOn(broken))).toBe(clientId);
      expect(await stage.bypasses()).toEqual([]);
    });

    test('MIC goes to the next version and back: pods that start meanwhile are served', async () => {
      for (const version of ['0.1.1', '0.1.0']) {
        await stage.kubectl('set', 'image', ...system, 'deployment/mic', `mic=${image('mic', version)}`);
        const name = `during-${version}`;
        expect(await scene.firstToken(stage, { name, label: 'load' })).toBe(clientId);
        await rolledOut(stage, 'deployment/mic');
        await scene.forgetPod(stage, name);
      }
    });

    test('a second DaemonSet beside the first takes over, and back to the old version: not one request fails', async () => {
      const path = pathOf({
        apiVersion: 'apps/v1',
        kind: 'DaemonSet',
        namespace: names.systemNamespace,
        name: 'nmi',
      });
      const first = (await stage.kube.request({ method: 'GET', path })) as KubeObject;
      const begin = load.begin();
      const next = copyOf(first, 'nmi-next');
      await stage.create(next);
      await rolledOut(stage, 'daemonset/nmi-next');
      await removeAgents('nmi');
      await stage.create(copyOf(first, 'nmi', '0.1.0'));
      await rolledOut(stage, 'daemonset/nmi');
      await removeAgents('nmi-next');
      const { applications, failures, requests } = await load.since(begin, 20);
      expect(requests).toBeGreaterThan(100);
      expect({ applications, failures }).toEqual({ applications: [clientId], failures: {} });
      expect(await stage.bypasses()).toEqual([]);
    });

    const removeAgents = async (name: string) => {
      const metadata = { name, namespace: names.systemNamespace };
      await deleteObject(stage.kube, { apiVersion: 'apps/v1', kind: 'DaemonSet', metadata });
      await untilNone(stage.kube, {
        path: pathOf({ apiVersion: 'v1', kind: 'Pod', namespace: names.systemNamespace }),
        fits: (pod) => pod.metadata.labels?.['component'] === name,
        withinMs: scene.patienceMs,
      });
    };
  });
}

interface Template {
  readonly metadata: object;
  readonly spec: { readonly containers: readonly object[]; readonly initContainers: readonly object[] };
}

/** A DaemonSet of its own with the same pods, by default of the same version. */
function copyOf(daemonSet: KubeObject, name: string, version?: string): KubeObject {
  const { template, minReadySeconds, updateStrategy } = daemonSet['spec'] as {
    readonly template: Template;
    readonly minReadySeconds: number;
    readonly updateStrategy: object;
  };
  const labels = { component: name, tier: 'node' };
  const versioned = (containers: readonly object[]) =>
    containers.map((each) => (version === undefined ? each : { ...each, image: image('nmi', version) }));
  const { containers, initContainers } = template.spec;
  return {
    apiVersion: 'apps/v1',
    kind: 'DaemonSet',
    metadata: { name, namespace: names.systemNamespace, labels },
    spec: {
      selector: { matchLabels: labels },
      minReadySeconds,
      updateStrategy,
      template: {
        metadata: { labels },
        spec: {
          ...template.spec,
          containers: versioned(containers),
          initContainers: versioned(initContainers),
        },
      },
    },
  };
}
