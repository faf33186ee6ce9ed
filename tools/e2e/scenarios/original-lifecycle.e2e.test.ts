// The tests of the original's end-to-end suite on a pod, its identity and its binding, checked by reads from Key Vault.
import { afterAll, beforeAll, expect, test } from 'vitest';
import * as names from '../../stage/names.ts';
import type { KubeObject } from '../../stage/objects.ts';
import { openStage, type Stage, type StageNmi, type StagePod } from '../../stage/stage.ts';
import * as on from '../objects.ts';

let stage: Stage;
let nmi: StageNmi;
const first = { resourceId: names.firstIdentity.id, clientId: names.firstIdentity.clientId };
const second = { resourceId: names.secondIdentity.id, clientId: names.secondIdentity.clientId };

beforeAll(async () => {
  stage = await openStage({ nodes: 1 });
  await stage.install();
  await (await stage.startMic('1')).logged('became leader');
  nmi = await stage.startNmi(0);
});
afterAll(() => stage.stop());

/** A labelled pod whose identity is Assigned, and its path to NMI. */
async function assignedPod(name: string, label: string) {
  const pod = await stage.runPod({ name, node: 0, label });
  await on.untilAssigned(stage.kube, [name]);
  return { pod, ask: await asking(pod) };
}

async function asking(pod: StagePod) {
  const { url } = await stage.path(pod, nmi);
  return (clientId?: string) => on.validate(stage, url, clientId);
}

const clientIdIn = (assigned: KubeObject) =>
  (assigned['spec'] as { azureIdentityRef: { spec: { clientID?: string } } }).azureIdentityRef.spec.clientID;

test('E2 the AzureAssignedIdentity is deleted with its pod', async () => {
  await on.bind(stage, { name: 'e2', ...first });
  const { pod, ask } = await assignedPod('e2-pod', 'e2');
  expect(await ask()).toMatchObject({ token: 200, vault: 200 });
  await stage.removePod(pod);
  await on.untilReleased(stage.kube, 'e2-pod');
});

test('E3 the AzureAssignedIdentity is deleted with its AzureIdentity, and the pod is refused', async () => {
  await on.bind(stage, { name: 'e3', ...first });
  const { ask } = await assignedPod('e3-pod', 'e3');
  expect(await ask()).toMatchObject({ token: 200, vault: 200 });
  await on.remove(stage, { kind: 'AzureIdentity', name: 'e3' });
  await on.untilReleased(stage.kube, 'e3-pod');
  const refused = await on.untilValidation(ask, ({ token }) => token !== 200);
  expect(refused).toMatchObject({ token: 400, vault: undefined });
  expect(refused.reason).toContain('default/e3');
});

test('E4 the AzureAssignedIdentity is deleted with its AzureIdentityBinding, and the pod is refused', async () => {
  await on.bind(stage, { name: 'e4', ...first });
  const { ask } = await assignedPod('e4-pod', 'e4');
  expect(await ask()).toMatchObject({ token: 200, vault: 200 });
  await on.remove(stage, { kind: 'AzureIdentityBinding', name: 'e4' });
  await on.untilReleased(stage.kube, 'e4-pod');
  const refused = await on.untilValidation(ask, ({ token }) => token !== 200);
  expect(refused).toMatchObject({ token: 400, vault: undefined });
  expect(refused.reason).toMatch(/binding/i);
});

test('E5 a changed AzureIdentity is assigned again, and the running pod acts as the new identity', async () => {
  await on.bind(stage, { name: 'e5', ...first });
  const { ask } = await assignedPod('e5-pod', 'e5');
  expect(await ask(first.clientId)).toMatchObject({ token: 200, vault: 200 });
  await on.bind(stage, { name: 'e5', ...second });
  await on.untilAssignedObject(
    stage,
    'e5-pod-default-e5',
    (assigned) => clientIdIn(assigned) === second.clientId && on.stateOf(assigned) === 'Assigned',
  );
  expect(on.isAttached(stage, second.resourceId)).toBe(true);
  const renewed = await on.untilValidation(
    () => ask(second.clientId),
    ({ token }) => token === 200,
  );
  expect(renewed.vault).toBe(200);
  expect(await ask(first.clientId)).toMatchObject({ token: 400, vault: undefined });
});

test('E6 of two identities of a pod the right one reads the secret, and the vault refuses the wrong one', async () => {
  const wrong = on.addIdentity(stage, 'e6-wrong', { mayRead: false });
  await on.bind(stage, { name: 'e6-right', ...first, selector: 'e6' });
  await on.bind(stage, { name: 'e6-wrong', ...wrong, selector: 'e6' });
  const { ask } = await assignedPod('e6-pod', 'e6');
  await on.untilAssignedObject(stage, 'e6-pod-default-e6-right', (one) => on.stateOf(one) === 'Assigned');
  await on.untilAssignedObject(stage, 'e6-pod-default-e6-wrong', (one) => on.stateOf(one) === 'Assigned');
  expect(await ask(first.clientId)).toMatchObject({ token: 200, vault: 200 });
  expect(await ask(wrong.clientId)).toMatchObject({ token: 200, vault: 403 });
  // Without a selector the original chose at random; ours returns the possible selectors.
  const unnamed = await ask();
  expect(unnamed).toMatchObject({ token: 400, vault: undefined });
  expect(unnamed.reason).toContain(first.clientId);
  expect(unnamed.reason).toContain(wrong.clientId);
});

test('E7 while five identities are deleted one after the other, in any order, the others keep working', async () => {
  const all = Array.from({ length: 5 }, (_, position) => `e7-${position}`);
  for (const name of all) await on.bind(stage, { name, ...on.addIdentity(stage, name) });
  const pods = new Map<string, Awaited<ReturnType<typeof asking>>>();
  for (const name of all) pods.set(name, await asking(await stage.runPod({ name, node: 0, label: name })));
  await on.untilAssigned(stage.kube, all);
  for (const position of [2, 4, 0, 3, 1]) {
    const gone = `e7-${position}`;
    await on.remove(stage, { kind: 'AzureIdentity', name: gone });
    await on.untilReleased(stage.kube, gone);
    const askAsGone = pods.get(gone)!;
    pods.delete(gone);
    await on.untilValidation(askAsGone, ({ token }) => token === 400);
    const seen = await Promise.all(Array.from(pods, async ([name, ask]) => ({ name, ...(await ask()) })));
    for (const one of seen) expect(one).toMatchObject({ token: 200, vault: 200 });
    const states = (await on.assignedOf(stage.kube)).filter((one) => on.podOf(one).startsWith('e7-'));
    expect(states.map((one) => `${on.podOf(one)}: ${on.stateOf(one)}`).sort()).toEqual(
      Array.from(pods.keys(), (name) => `${name}: Assigned`).sort(),
    );
  }
});

test('E9 a pod whose label changes gets the other identity in place of the first', async () => {
  await on.bind(stage, { name: 'e9-before', ...first });
  await on.bind(stage, { name: 'e9-after', ...second });
  const { pod, ask } = await assignedPod('e9-pod', 'e9-before');
  expect(await ask(first.clientId)).toMatchObject({ token: 200 });
  await stage.kube.request({
    method: 'PATCH',
    path: `/api/v1/namespaces/default/pods/${pod.object.metadata.name}`,
    body: { metadata: { labels: { [names.bindingLabel]: 'e9-after' } } },
    contentType: 'application/merge-patch+json',
  });
  await on.untilAssignedObject(stage, 'e9-pod-default-e9-after', (one) => on.stateOf(one) === 'Assigned');
  await stage.sim.kube.until(
    (kube) => !kube.get('azureassignedidentities', 'e9-pod-default-e9-before', 'default'),
  );
  const renewed = await on.untilValidation(
    () => ask(second.clientId),
    ({ token }) => token === 200,
  );
  expect(renewed.vault).toBe(200);
  expect(await ask(first.clientId)).toMatchObject({ token: 400 });
});
