// Processes and machines that fail while pods request tokens.
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import * as names from '../../../stage/names.ts';
import type { KubeObject } from '../../../stage/objects.ts';
import { startLoad, type Load } from '../load.ts';
import * as scene from '../scene.ts';
import type { ClusterStage } from '../stage.ts';

/** NMI's answer to a pod that it could ask nobody about; clients retry it. */
const unconfirmed = /^503 The API server does not currently confirm that pod /;
const system = ['--namespace', names.systemNamespace];

export function describeFaults(open: () => ClusterStage): void {
  describe('faults', () => {
    let stage: ClusterStage;
    let clientId: string;
    let load: Load;
    let stop: () => Promise<void> = () => Promise.resolve();
    beforeAll(async () => {
      stage = open();
      ({ clientId } = await scene.bindIdentity(stage, 'steady'));
      load = await startLoad(stage, 'steady');
      stop = () => load.stop();
    });
    afterAll(() => stop());

    test('MIC’s leader is killed: new pods are served', async () => {
      const { holderIdentity } = await leaseOfMic();
      const leader = stage.nodes.find(({ name }) => name === holderIdentity);
      if (leader === undefined) throw new Error(`no node is called as the leader, ${holderIdentity}`);
      await leader.on('pkill', '--signal', 'KILL', '--full', '^/usr/bin/node /app/mic.js');
      expect(await scene.firstToken(stage, { name: 'after-kill', label: 'steady' })).toBe(clientId);
      await scene.forgetPod(stage, 'after-kill');
    });

    test('MIC’s leader is deleted by force: new pods are served', async () => {
      const { holderIdentity } = await leaseOfMic();
      const pods = await stage.kubectl(
        ...['get', 'pods', ...system, '--selector=component=mic', '-o', 'json'],
        `--field-selector=spec.nodeName=${holderIdentity}`,
      );
      const { items } = JSON.parse(pods) as { readonly items: readonly KubeObject[] };
      expect(items).toHaveLength(1);
      await stage.kubectl('delete', 'pod', ...system, items[0]!.metadata.name, '--grace-period=0', '--force');
      expect(await scene.firstToken(stage, { name: 'after-delete', label: 'steady' })).toBe(clientId);
      await scene.forgetPod(stage, 'after-delete');
    });

    test('the API server is restarted: NMI goes on answering', async () => {
      const begin = load.begin();
      await stage.cluster.restartApiServer();
      const { requests, applications, failures } = await load.since(begin, 20);
      expect(requests).toBeGreaterThan(40);
      expect(applications).toEqual([clientId]);
      // As docs/administrator/operations.md says, new connections are refused while the API server answers with errors: it may, before it has read its roles.
      for (const failure of Object.keys(failures)) expect(failure).toMatch(unconfirmed);
      // The stage's own connections to the former server are reset once.
      const isReached = () =>
        stage.kube.request({ method: 'GET', path: '/api/v1/namespaces/default' }).then(Boolean, () => false);
      await expect.poll(isReached).toBe(true);
      for (const { name } of stage.nodes)
        expect(await scene.nextToken(stage, load.podOn(name))).toBe(clientId);
      expect(await scene.firstToken(stage, { name: 'after-restart', label: 'steady' })).toBe(clientId);
      await scene.forgetPod(stage, 'after-restart');
    });

    test('a node is drained: its pods are served elsewhere, and there again afterwards', async () => {
      const { name } = stage.nodes.at(-1)!;
      const begin = load.begin();
      await stage.kubectl('drain', name, '--ignore-daemonsets', '--force', '--timeout=110s');
      expect(await scene.firstToken(stage, { name: 'elsewhere', label: 'steady' })).toBe(clientId);
      const pod = await scene.untilPod(stage, { name: 'elsewhere' }, () => true);
      expect((pod['spec'] as { nodeName: string }).nodeName).not.toBe(name);
      await stage.kubectl('uncordon', name);
      await scene.forgetPod(stage, 'elsewhere');
      await load.add(name);
      expect(await scene.nextToken(stage, load.podOn(name))).toBe(clientId);
      expect(await load.since(begin, 20)).toMatchObject({ applications: [clientId] });
      expect(await stage.bypasses()).toEqual([]);
    });

    test('a node is restarted: its pods get their own tokens again, and none of another', async () => {
      const node = stage.nodes.at(-1)!;
      const begin = load.begin();
      await node.restart();
      await scene.nextToken(stage, load.podOn(node.name));
      const { applications, failures } = await load.since(begin, 50);
      expect(applications).toEqual([clientId]);
      // As docs/administrator/operations.md says, a restarted node has no rules until NMI's init container has run: components/boot-guard closes the gap.
      const bypasses = (await stage.bypasses()).filter((what) => what.includes('token')).length;
      console.log(
        `a node restarted: ${bypasses} calls before NMI's rules were back; ${JSON.stringify(failures)}`,
      );
      await load.since(load.begin(), 20);
      expect(await stage.bypasses()).toEqual([]);
    });

    const leaseOfMic = async () => {
      const text = await stage.kubectl('get', 'lease', 'aad-pod-identity-mic', ...system, '-o', 'json');
      return (JSON.parse(text) as { readonly spec: { readonly holderIdentity: string } }).spec;
    };
  });
}
