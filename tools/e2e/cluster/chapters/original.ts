// From the original to ours, in place; and the removal of ours.
import { beforeAll, describe, expect, test } from 'vitest';
import * as names from '../../../stage/names.ts';
import { readManifests, deleteObject, pathOf } from '../../../stage/objects.ts';
import { inDeploy } from '../../../stage/places.ts';
import { onceServed } from '../../../stage/cluster.ts';
import { untilNone } from '../../../stage/until.ts';
import * as on from '../../objects.ts';
import { askingPod } from '../asking.ts';
import * as original from '../original.ts';
import { rolledOut } from '../rollout.ts';
import * as scene from '../scene.ts';
import type { ClusterStage } from '../stage.ts';

const system = ['--namespace', names.systemNamespace];
const groupPath = '/apis/aadpodidentity.k8s.io/v1';

export function describeRemovalAndOriginal(open: () => ClusterStage): void {
  describe('removal, the original, and removal', () => {
    let stage: ClusterStage;
    beforeAll(() => {
      stage = open();
    });

    test('removal in order leaves nothing in the cluster or on a node', async () => {
      await stage.kubectl('delete', 'azureidentitybindings', '--all', '--all-namespaces');
      await removeAgents();
      await removeObjects();
      await expectNothing();
    });

    const living = [
      { pod: 'before-1-6', record: original.recordBefore16 },
      { pod: 'since-1-6', record: original.recordSince16 },
    ];
    const gone = [
      { pod: 'gone-before-1-6', record: original.recordBefore16 },
      { pod: 'gone-since-1-6', record: original.recordSince16 },
    ];
    let identity: { readonly id: string; readonly clientId: string };

    test('the original’s objects and rules: ours in their place serves its pods, and leaves the identity on the machines', async () => {
      identity = await stage.azure.ask('identity', { name: 'of-the-original' });
      await stage.azure.ask('attach', identity);
      for (const definition of original.definitions) await stage.create(definition);
      for (const plural of Object.values(original.kinds))
        await onceServed(plural, () => stage.kube.request({ method: 'GET', path: `${groupPath}/${plural}` }));
      for (const object of original.userObjects('old', identity)) await stage.create(object);
      const [first] = stage.nodes;
      for (const node of stage.nodes) await original.leaveChain(node);
      for (const { pod, record } of [...living, ...gone])
        await stage.create(record({ pod, node: first.name, name: 'old', identity }));
      for (const { pod } of living)
        await stage.create(askingPod({ name: pod, label: 'old', node: first.name }));
      for (const { pod } of living)
        await scene.untilPod(stage, { name: pod }, ({ phase }) => phase === 'Running');
      const patches = (await stage.azure.ask('patches')).length;

      const overOld = [
        '--server-side',
        '--force-conflicts',
        '--kustomize',
        inDeploy('overlays/old-definitions'),
      ];
      await stage.kubectl('apply', '--validate=false', ...overOld);
      await stage.kubectl('apply', '--validate=false', '--filename', inDeploy('infra/deployment-rbac.yaml'));
      await rolledOut(stage, 'daemonset/nmi');
      for (const { pod } of living) expect(await scene.nextToken(stage, pod)).toBe(identity.clientId);
      expect(await scene.firstToken(stage, { name: 'newcomer', label: 'old' })).toBe(identity.clientId);
      for (const { pod } of gone) await on.untilReleased(stage.kube, pod);
      await untilNone(stage.kube, {
        path: `${groupPath}/azureassignedidentities`,
        fits: ({ metadata }) => 'finalizers' in metadata,
      });
      expect((await stage.azure.ask('patches')).length).toBe(patches);
      expect(await stage.bypasses()).toEqual([]);
    });

    test('removal when MIC is gone first: nothing hangs, and nothing is left', async () => {
      await stage.kubectl('delete', 'deployment', 'mic', ...system);
      await untilNone(stage.kube, {
        path: systemPods,
        fits: ({ metadata }) => metadata.labels?.['component'] === 'mic',
        withinMs: scene.patienceMs,
      });
      for (const { pod } of living) await scene.removePod(stage, pod);
      await scene.removePod(stage, 'newcomer');
      // Kubernetes collects those that name their pod as owner: not that of the oldest version, in which MIC had nothing to change.
      const left = await on.assignedOf(stage.kube);
      expect(left.map(on.podOf)).toContain('before-1-6');
      expect(left.filter(({ metadata }) => 'finalizers' in metadata)).toEqual([]);
      await removeAgents();
      await removeObjects();
      await expectNothing();
    });

    const systemPods = pathOf({ apiVersion: 'v1', kind: 'Pod', namespace: names.systemNamespace });
    /** The steps of docs/administrator/operations.md. */
    const removeAgents = async () => {
      await stage.kubectl('delete', 'daemonset', 'nmi', ...system);
      await untilNone(stage.kube, {
        path: systemPods,
        fits: ({ metadata }) => metadata.labels?.['component'] === 'nmi',
        withinMs: scene.patienceMs,
      });
      const [uninstall] = await readManifests(inDeploy('overlays/uninstall/daemonset.yaml'));
      await stage.create(uninstall!);
      await rolledOut(stage, 'daemonset/nmi-uninstall');
      await deleteObject(stage.kube, uninstall!);
    };
    const removeObjects = () =>
      stage.kubectl(
        'delete',
        '--timeout=110s',
        '--ignore-not-found',
        '--filename',
        inDeploy('infra/deployment-rbac.yaml'),
      );
    const expectNothing = async () => {
      const left = await stage.kubectl(
        ...[
          'get',
          'crd,clusterroles,clusterrolebindings,namespaces,roles,rolebindings,endpoints',
          '-A',
          '-o',
          'name',
        ],
      );
      expect(left).not.toMatch(/aad|azure|pod-identity/);
      for (const node of stage.nodes) {
        expect(await node.in('iptables-save')).not.toContain('aad-');
        expect(await node.in('nft', 'list', 'tables')).not.toContain('aad');
        expect(await node.in('ip', 'rule')).not.toMatch(/prohibit|^5[789]:/m);
      }
    };
  });
}
