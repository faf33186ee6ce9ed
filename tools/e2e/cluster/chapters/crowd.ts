// A hundred pods at once.
import { describe, expect, test } from 'vitest';
import * as names from '../../../stage/names.ts';
import { pathOf } from '../../../stage/objects.ts';
import { untilNone } from '../../../stage/until.ts';
import * as on from '../../objects.ts';
import { askingPod } from '../asking.ts';
import { withState } from '../rollout.ts';
import * as scene from '../scene.ts';
import type { ClusterStage } from '../stage.ts';

const count = 100;
/** Two cores start a pod a second. */
const startedWithinMs = 300_000;

export function describeCrowd(open: () => ClusterStage): void {
  describe('a hundred pods over two nodes of one scale set', () => {
    const crowd = Array.from({ length: count }, (_, index) => `crowd-${index}`);
    let stage: ClusterStage;
    let id: string;

    const member = (name: string, index: number) =>
      askingPod({
        name,
        label: 'crowd',
        node: stage.nodes[index % stage.nodes.length]!.name,
        tokens: 1,
      });

    test('each gets a token, after one PATCH of the scale set', async () => {
      stage = open();
      const { id: resourceId, clientId } = await scene.bindIdentity(stage, 'crowd');
      id = resourceId;
      const before = (await stage.azure.ask('patches')).length;
      await Promise.all(crowd.map((name, index) => stage.create(member(name, index))));
      const firsts = await withState(stage, () =>
        Promise.all(crowd.map((name) => stage.told(name).first(scene.isToken, startedWithinMs))),
      );
      expect(new Set(firsts)).toEqual(new Set([`200 ${clientId}`]));
      const patches = (await stage.azure.ask('patches')).slice(before);
      expect(patches.map(({ path }) => path.toLowerCase())).toEqual([
        names.scaleSetId(names.scaleSet).toLowerCase(),
      ]);
      expect(await stage.bypasses()).toEqual([]);
    });

    test('when they are deleted, their records go and the identity is detached', async () => {
      await Promise.all(crowd.map((name) => scene.forgetPod(stage, name)));
      await untilNone(stage.kube, {
        path: pathOf({ apiVersion: 'aadpodidentity.k8s.io/v1', kind: 'AzureAssignedIdentity' }),
        fits: (record) => crowd.includes(on.podOf(record)),
        withinMs: scene.patienceMs,
      });
      await stage.azure.ask('untilAttached', { id, isAttached: false });
    });
  });
}
