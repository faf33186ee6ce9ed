// The flow of the article, by the commands of docs/administrator/walkthrough.md.
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import * as names from '../../../stage/names.ts';
import { rolledOut } from '../rollout.ts';
import type { ClusterStage } from '../stage.ts';
import { openReader, type Reader } from '../walkthrough.ts';

export function describeArticle(open: () => ClusterStage): void {
  describe('the flow of the article', () => {
    let stage: ClusterStage;
    let reader: Reader;
    let folder: string;
    beforeAll(async () => {
      stage = open();
      folder = await mkdtemp(join(tmpdir(), 'pod-identity-reader-'));
      reader = await openReader(stage, folder);
    });
    afterAll(() => rm(folder, { recursive: true, force: true }));

    test('kubectl create installs both services, and all their pods become ready', async () => {
      const said = await reader.run('Install');
      expect(said).toContain('deployment "mic" successfully rolled out');
      expect(said).toContain('daemon set "nmi" successfully rolled out');
    });

    test('MIC takes a changed flag on two nodes: its Deployment rolls out', async () => {
      const add = {
        op: 'add',
        path: '/spec/template/spec/containers/0/args/-',
        value: '--detach-grace-period=5s',
      };
      const mic = ['--namespace', names.systemNamespace, 'deployment/mic'];
      await stage.kubectl('patch', ...mic, '--type=json', `--patch=${JSON.stringify([add])}`);
      expect(await rolledOut(stage, 'deployment/mic')).toContain('successfully rolled out');
    });

    test('keyvault-sample reads its secret as the identity of its binding', async () => {
      await reader.run('Bind an identity to pods');
      const said = await reader.run('Start the application');
      expect(said).toContain('read secret database-password');
      expect(said).toMatch(/Binding demo-aad-identity-binding applied on node node[12] for pod sample-pod/);
      expect(said).toContain('sample-pod-default-demo-aks-pod-id');
      await stage.azure.ask('untilRead', { id: names.firstIdentity.id });
      expect(await stage.azure.ask('attached')).toContain(names.firstIdentity.id.toLowerCase());
      expect(await stage.bypasses()).toEqual([]);
    });

    test('the identity is swapped under the running pod', async () => {
      await reader.run('Give the running pod another identity');
      await stage.azure.ask('untilRead', { id: names.secondIdentity.id });
      const pod = await stage.kubectl(
        'get',
        'pod',
        'sample-pod',
        '-o',
        'jsonpath={.status.containerStatuses[0]}',
      );
      expect(JSON.parse(pod)).toMatchObject({ restartCount: 0, ready: true });
    });

    test('when the application goes, its records go too', async () => {
      await reader.run('Remove the application');
      expect(await stage.kubectl('get', 'azureassignedidentities', '-A', '-o', 'name')).toBe('');
    });
  });
}
