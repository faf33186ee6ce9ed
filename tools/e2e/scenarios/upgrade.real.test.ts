// Objects of 2018 on a server that enforces RBAC: the rights of the manifests suffice for MIC's upgrade.
import { afterAll, beforeAll, expect, test } from 'vitest';
import { manifests2018 } from '../../demo/story.ts';
import * as names from '../../stage/names.ts';
import { pathOf, readManifests } from '../../stage/objects.ts';
import { inDeploy } from '../../stage/places.ts';
import { openStage, type Stage } from '../../stage/stage.ts';
import { untilObject } from '../../stage/until.ts';
import { untilAssigned } from '../objects.ts';
import { describeServers } from '../servers.ts';

describeServers('the upgrade of stored objects on $name', ({ start }) => {
  let stage: Stage;
  let stopServer: () => Promise<void>;
  beforeAll(async () => {
    const server = await start();
    stopServer = server.stop;
    stage = await openStage(server.options);
    await stage.install();
  });
  afterAll(async () => {
    await stage.stop();
    await stopServer();
  });

  test('E28 the spelling of 2018 is rewritten, and the marker is set in the ConfigMap that the original left empty', async () => {
    const marker = { apiVersion: 'v1', kind: 'ConfigMap', namespace: names.systemNamespace };
    await stage.create({
      apiVersion: 'v1',
      kind: 'ConfigMap',
      metadata: { name: 'aad-pod-identity-config', namespace: names.systemNamespace },
    });
    for (const file of [manifests2018.identity, manifests2018.binding]) await stage.apply(inDeploy(file));
    const mic = await stage.startMic('1');

    const identity = await untilObject(stage.kube, {
      path: pathOf({ apiVersion: 'aadpodidentity.k8s.io/v1', kind: 'AzureIdentity', namespace: 'default' }),
      fits: ({ spec }) => Object.keys(spec as object).includes('resourceID'),
    });
    const [written] = await readManifests(inDeploy(manifests2018.identity));
    const { type, ResourceID, ClientID } = written!['spec'] as Record<string, unknown>;
    expect(identity['spec']).toEqual({ type, resourceID: ResourceID, clientID: ClientID });
    await untilObject(stage.kube, {
      path: pathOf(marker),
      fits: ({ metadata, data }) =>
        metadata.name === 'aad-pod-identity-config' &&
        Object.keys(data ?? {}).includes('type-upgrade-status'),
    });
    await stage.runPod({ name: 'veteran', node: 0, label: 'demo-app' });
    await untilAssigned(stage.kube, ['veteran']);
    expect(mic.lines.filter((line) => /forbidden|could not be upgraded/i.test(line))).toEqual([]);
  });
});
