// Pods of many kinds, each with its own identity.
import { beforeAll, describe, expect, test } from 'vitest';
import * as on from '../../objects.ts';
import { askingPod, tokenFirst } from '../asking.ts';
import * as scene from '../scene.ts';
import type { ClusterStage, StageNode } from '../stage.ts';
import { lineAfter } from '../told.ts';
import { describeCrowd } from './crowd.ts';

export function describePods(open: () => ClusterStage): void {
  describe('pods', () => {
    let stage: ClusterStage;
    let near: string;
    let far: string;
    beforeAll(async () => {
      stage = open();
      ({ clientId: near } = await scene.bindIdentity(stage, 'near'));
      ({ clientId: far } = await scene.bindIdentity(stage, 'far'));
      await stage.create({ apiVersion: 'v1', kind: 'Namespace', metadata: { name: 'team' } });
      // Refused for good only when it is a minute old: until then its binding may be on its way.
      await stage.create(askingPod({ name: 'stranger', namespace: 'team', label: 'near' }));
      // The machines keep both identities meanwhile.
      expect(await scene.firstToken(stage, { name: 'keeps-near', label: 'near' })).toBe(near);
      expect(await scene.firstToken(stage, { name: 'keeps-far', label: 'far' })).toBe(far);
    });

    test('an init container gets a token before the pod’s own containers start', async () => {
      const initContainers = [tokenFirst('init-of-early')];
      expect(await scene.firstToken(stage, { name: 'early', label: 'near', initContainers })).toBe(near);
      expect(tokensOf(stage, 'init-of-early')).toEqual([near]);
      await scene.forgetPod(stage, 'early');
    });

    test('pods that end after two seconds, or once they have a token, leave no record', async () => {
      const brief = ['brief-1', 'brief-2', 'brief-3'];
      for (const name of brief) await stage.create(askingPod({ name, label: 'far', livesMs: 2_000 }));
      for (const name of brief) {
        await stage.told(name).first(scene.isToken, scene.patienceMs);
        await scene.untilPod(stage, { name }, ({ phase }) => phase === 'Succeeded');
        await on.untilReleased(stage.kube, name);
      }
      expect(brief.map((name) => tokensOf(stage, name))).toEqual([[far], [far], [far]]);
      for (const name of brief) await scene.forgetPod(stage, name);
    });

    test('a pod that gets the address of another never gets a token of that one', async () => {
      const node = stage.nodes.at(-1)!;
      const owners = [
        { name: 'heir-1', label: 'near', gets: near },
        { name: 'heir-2', label: 'far', gets: far },
        { name: 'heir-3', label: 'near', gets: near },
        { name: 'heir-4', gets: undefined },
        { name: 'heir-5', label: 'far', gets: far },
      ];
      const addresses: string[] = [];
      for (const [index, { gets, ...spec }] of owners.entries()) {
        await stage.create(askingPod({ ...spec, node: node.name, pauseMs: 20 }));
        const told = stage.told(spec.name);
        await told.first((line) => scene.isToken(line) === (gets !== undefined), scene.patienceMs);
        // The first answer is not the last.
        if (gets !== undefined) await lineAfter(told, told.all.length + 20, { fits: () => true });
        const pod = await scene.untilPod(
          stage,
          spec,
          ({ phase, podIP }) => phase === 'Running' && podIP !== undefined,
        );
        const { podIP: address } = scene.statusOf(pod);
        addresses.push(address!);
        // By turns as an administrator does it in order, and by force.
        await (index % 2 === 0 ? scene.removePod(stage, spec.name) : scene.forgetPod(stage, spec.name));
        await freeAddress(node, address!);
      }
      // The kubelet of 1.20 may start a pod once more that is deleted by force; then the next one gets another address.
      expect(new Set(addresses).size).toBeLessThan(owners.length - 1);
      for (const { name, gets } of owners)
        expect(tokensOf(stage, name)).toEqual(gets === undefined ? [] : [gets]);
      expect(await stage.bypasses()).toEqual([]);
    });

    // The stranger becomes a minute old meanwhile, and no other identity is attached or detached.
    describeCrowd(open);

    test('an identity of one namespace does not reach a pod of another, which has the same label', async () => {
      const stranger = stage.told('stranger');
      const refused = await stranger.first((line) => line.startsWith('400 '), scene.patienceMs);
      expect(refused).toContain('Identity not found');
      const { clientId } = await scene.bindIdentity(stage, 'near', 'team');
      expect(await scene.nextToken(stage, 'stranger')).toBe(clientId);
      expect(await scene.nextToken(stage, 'keeps-near')).toBe(near);
      expect(tokensOf(stage, 'stranger')).toEqual([clientId]);
      await scene.forgetPod(stage, 'stranger', 'team');
      for (const name of ['keeps-near', 'keeps-far']) await scene.forgetPod(stage, name);
    });
  });
}

/** The different applications whose tokens a pod got. */
function tokensOf(stage: ClusterStage, pod: string): readonly string[] {
  return [...new Set(stage.told(pod).all.filter(scene.isToken).map(scene.tokenOf))];
}

/** Waits until the address is free, and lets the network plug-in (host-local) give it to the next pod. */
async function freeAddress(node: StageNode, address: string): Promise<void> {
  const leases = '/var/lib/cni/networks/kit';
  const parts = address.split('.');
  const before = [...parts.slice(0, 3), Number(parts[3]) - 1].join('.');
  const isFree = `timeout 60 sh -c 'while [ -e ${leases}/${address} ]; do sleep 0.05; done'`;
  await node.on('sh', '-c', `${isFree} && printf ${before} > ${leases}/last_reserved_ip.0`);
}
