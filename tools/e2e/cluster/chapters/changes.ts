// Updates of the services while pods request tokens.
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import * as names from '../../../stage/names.ts';
import { deleteObject, pathOf, type KubeObject } from '../../../stage/objects.ts';
import { untilNone } from '../../../stage/until.ts';
import {
  agentsOf,
  broken,
  createAccountWithoutReviews,
  isReady,
  revisionOf,
  untilAgent,
  updateNmi,
} from '../broken-nmi.ts';
import { startLoad, type Load } from '../load.ts';
import { rolledOut } from '../rollout.ts';
import * as scene from '../scene.ts';
import type { ClusterStage } from '../stage.ts';
import { lineAfter } from '../told.ts';

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
      await createAccountWithoutReviews(stage);
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

    test.each(Object.entries(broken))(
      'an NMI %s stops at the first node: only its calls are refused, and rollout undo brings NMI back',
      async (_, specOf) => {
        const before = await agentsOf(stage);
        const begin = load.begin();
        await updateNmi(stage, specOf);
        const isNew = (pod: KubeObject) => revisionOf(pod) !== revisionOf(before[0]!);
        const { node } = placeOf(await untilAgent(stage, (pod) => isNew(pod) && placeOf(pod).hasRun));
        // Longer than a readiness probe takes to see a pod that says too early that it is ready.
        const other = stage.nodes.find(({ name }) => name !== node)!;
        const lines = stage.told(load.podOn(other.name));
        await lineAfter(lines, lines.all.length + 600, { fits: () => true });
        const now = await agentsOf(stage);
        expect(now.filter(isNew).map((pod) => [placeOf(pod).node, isReady(pod)])).toEqual([[node, false]]);
        const namesOf = (pods: readonly KubeObject[]) => pods.map(({ metadata }) => metadata.name);
        expect(namesOf(now.filter((pod) => !isNew(pod)))).toEqual(
          namesOf(before.filter((pod) => placeOf(pod).node === other.name)),
        );

        await stage.kubectl('rollout', 'undo', ...system, 'daemonset/nmi');
        await rolledOut(stage, 'daemonset/nmi');
        expect(await scene.nextToken(stage, load.podOn(node))).toBe(clientId);
        for (const [index, { name }] of stage.nodes.entries()) {
          const told = stage.told(load.podOn(name)).all.slice(begin[index]);
          const others = told.filter((line) => line !== `200 ${clientId}`);
          // Kubernetes before 1.22 ends the old agent before it starts the new one.
          const isRefused = (line: string) => /^error (ECONNREFUSED|ECONNRESET)$|^503 /.test(line);
          expect(others.filter((line) => name !== node || !isRefused(line))).toEqual([]);
        }
        expect(await stage.bypasses()).toEqual([]);
      },
    );

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

/** The node of a pod of NMI, and whether its agent has been started there. */
function placeOf(pod: KubeObject): { readonly node: string; readonly hasRun: boolean } {
  const { nodeName = '' } = pod['spec'] as { readonly nodeName?: string };
  const { containerStatuses = [] } = scene.statusOf(pod);
  const states = containerStatuses.flatMap(({ state, lastState }) => [state, lastState]);
  return { node: nodeName, hasRun: states.some((each) => each?.running ?? each?.terminated) };
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
