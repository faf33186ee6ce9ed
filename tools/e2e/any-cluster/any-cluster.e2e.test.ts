// The services on a cluster that was given, by kubectl alone: play.ts has installed them, and removes them.
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { PrintedLines } from '../../stage/printed-lines.ts';
import { isToken, patienceMs, tokenOf } from '../cluster/scene.ts';
import { lineAfter, nextLine } from '../cluster/told.ts';
import { readGiven, type GivenIdentity } from './given.ts';
import { testNamespaces } from './objects.ts';
import { openGivenStage, system, tokensOf, type GivenStage } from './stage.ts';

const given = readGiven(process.env);
let stage: GivenStage;
let stranger: PrintedLines;
beforeAll(async () => {
  stage = await openGivenStage(given);
  stranger = await stage.start({ name: 'stranger', label: 'nobody' });
});
afterAll(() => stage.stop());

const unbound = (selector: string) => `No AzureIdentityBinding has the selector '${selector}'`;

if (given.identities) describeWithAzure(given.identities);
else describeWithoutAzure();

function describeWithAzure([first, second]: readonly [GivenIdentity, GivenIdentity]): void {
  const firstTokenOf = async (lines: PrintedLines) => tokenOf(await lines.first(isToken, patienceMs));
  const nextTokenOf = async (lines: PrintedLines) => tokenOf(await nextLine(lines, isToken));
  describe('with Azure', () => {
    let pods: readonly PrintedLines[];

    test('each pod gets tokens of its own identity', async () => {
      await stage.bind(testNamespaces[0], first);
      await stage.bind(testNamespaces[1], second);
      pods = [
        await stage.start({ name: 'first', label: 'own' }),
        await stage.start({ name: 'second', label: 'own', namespace: testNamespaces[1] }),
      ];
      expect(await Promise.all(pods.map(firstTokenOf))).toEqual([first.clientId, second.clientId]);
    });

    test('an identity is swapped under a running pod', async () => {
      await stage.bind(testNamespaces[0], second);
      await pods[0]!.first((line) => line === `200 ${second.clientId}`, patienceMs);
    });

    test('MIC’s pods are deleted by force: a new pod is served', async () => {
      await stage.kubectl(
        'delete',
        'pods',
        ...system,
        '--selector=component=mic',
        '--grace-period=0',
        '--force',
      );
      expect(await firstTokenOf(await stage.start({ name: 'after', label: 'own' }))).toBe(second.clientId);
    });

    test('NMI is restarted on all nodes: no pod gets a token of another', async () => {
      await stage.restartNmi();
      expect(await Promise.all(pods.map(nextTokenOf))).toEqual([second.clientId, second.clientId]);
      expect(tokensOf(pods[0]!)).toEqual([first.clientId, second.clientId]);
      expect(tokensOf(pods[1]!)).toEqual([second.clientId]);
    });

    test('NMI tells a pod without a binding why it gets no token, and gives it none', async () => {
      await stranger.first((line) => line.includes(unbound('nobody')), patienceMs);
      expect(tokensOf(stranger)).toEqual([]);
    });
  });
}

function describeWithoutAzure(): void {
  const madeUp = {
    id: '/subscriptions/none/resourceGroups/none/providers/Microsoft.ManagedIdentity/userAssignedIdentities/none',
    clientId: '00000000-0000-0000-0000-000000000000',
  };
  describe('without Azure', () => {
    let pod: PrintedLines;

    test('NMI tells pods without a binding why they get no token', async () => {
      pod = await stage.start({ name: 'first', label: 'own' });
      await pod.first((line) => line.includes(unbound('own')), patienceMs);
      await stranger.first((line) => line.includes(unbound('nobody')), patienceMs);
    });

    test('a binding changes what NMI tells a running pod', async () => {
      await stage.bind(testNamespaces[0], madeUp);
      await nextLine(pod, (line) => /^[45]\d\d /.test(line) && !line.includes(unbound('own')));
      expect(tokensOf(pod)).toEqual([]);
    });

    test('NMI is restarted on all nodes: the pod is told the same as before, and no other server hears it', async () => {
      const from = stranger.all.length;
      await stage.restartNmi();
      await lineAfter(stranger, stranger.all.length, { fits: (line) => line.includes(unbound('nobody')) });
      const others = stranger.all
        .slice(from)
        .filter((line) => !line.startsWith('error ') && !line.includes(unbound('nobody')));
      expect(others).toEqual([]);
    });
  });
}
