// The number of calls to Azure for many pods at the same time, and for two hundred equal requests.
import { afterEach, expect, test } from 'vitest';
import { askForToken } from '../../demo/story.ts';
import * as names from '../../stage/names.ts';
import { openStage, type Stage } from '../../stage/stage.ts';
import { identityObjects, untilAssigned } from '../objects.ts';

let stage: Stage;
afterEach(() => stage.stop());

test('50 pods over 20 identities, created at once on one scale set, are all Assigned with at most 2 PATCHes', async () => {
  stage = await openStage();
  await stage.install();
  await (await stage.startMic('1')).logged('became leader');
  const identities = Array.from({ length: 20 }, (_, index) => `crowd-${index}`);
  for (const name of identities) {
    const identity = stage.sim.azure.world.addIdentity({
      resourceId: names.identityId(name),
      tenantId: names.tenant,
    });
    for (const object of identityObjects({ name, id: identity.resourceId, clientId: identity.clientId }))
      await stage.create(object);
  }
  const pods = await Promise.all(
    Array.from({ length: 50 }, (_, index) =>
      stage.runPod({
        name: `crowd-${index}`,
        node: index % 2,
        label: identities[index % identities.length]!,
      }),
    ),
  );
  await untilAssigned(
    stage.kube,
    pods.map(({ object }) => object.metadata.name),
  );
  expect(stage.sim.azure.journal.count({ service: 'arm', method: 'PATCH' })).toBeLessThanOrEqual(2);
});

test('a pod whose identity is already on the host gets its first token without an ARM call', async () => {
  stage = await openStage();
  await stage.install();
  await (await stage.startMic('1')).logged('became leader');
  const nmi = await stage.startNmi(1);
  const { clientId, id } = names.firstIdentity;
  for (const object of identityObjects({ name: 'shared', id, clientId })) await stage.create(object);
  await stage.runPod({ name: 'first', node: 0, label: 'shared' });
  await untilAssigned(stage.kube, ['first']);
  const before = stage.sim.azure.journal.count({ service: 'arm' });
  const second = await stage.runPod({ name: 'second', node: 1, label: 'shared' });
  const path = await stage.path(second, nmi);
  const answer = await askForToken(path.url);
  expect(answer).toMatchObject({ status: 200 });
  expect(stage.sim.azure.journal.count({ service: 'arm' })).toBe(before);
});

test('64 concurrent equal token requests, as many as a pod has connections, make one IMDS call', async () => {
  stage = await openStage();
  await stage.install();
  await (await stage.startMic('1')).logged('became leader');
  const nmi = await stage.startNmi(0);
  const { clientId, id } = names.firstIdentity;
  for (const object of identityObjects({ name: 'shared', id, clientId })) await stage.create(object);
  const pod = await stage.runPod({ name: 'eager', node: 0, label: 'shared' });
  await untilAssigned(stage.kube, ['eager']);
  const path = await stage.path(pod, nmi);
  const byNmi = { service: 'imds', query: /vault/ };
  expect(stage.sim.azure.journal.count(byNmi)).toBe(0);
  const answers = await Promise.all(Array.from({ length: 64 }, () => askForToken(path.url)));
  expect(new Set(answers.map(({ status }) => status))).toEqual(new Set([200]));
  expect(stage.sim.azure.journal.count(byNmi)).toBe(1);
});
