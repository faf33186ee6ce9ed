// The tests of the original's end-to-end suite on the controller and on many pods. Each test has its own stage.
import { afterEach, expect, test } from 'vitest';
import * as names from '../../stage/names.ts';
import { openStage, type Stage } from '../../stage/stage.ts';
import * as on from '../objects.ts';

let stage: Stage;
afterEach(() => stage.stop());

const first = { resourceId: names.firstIdentity.id, clientId: names.firstIdentity.clientId };
const second = { resourceId: names.secondIdentity.id, clientId: names.secondIdentity.clientId };

test('E8 40 pods are all Assigned, and each reads the secret', async () => {
  stage = await openStage();
  await stage.install();
  await (await stage.startMic('1')).logged('became leader');
  const nmis = [await stage.startNmi(0), await stage.startNmi(1)];
  await on.bind(stage, { name: 'e8', ...first });
  const pods = await Promise.all(
    Array.from({ length: 40 }, (_, position) =>
      stage.runPod({ name: `e8-${position}`, node: position % 2, label: 'e8' }),
    ),
  );
  await on.untilAssigned(
    stage.kube,
    pods.map(({ object }) => object.metadata.name),
  );
  const seen = await Promise.all(
    pods.map(async (pod) => on.validate(stage, (await stage.path(pod, nmis[pod.node]!)).url)),
  );
  expect(seen).toEqual(Array.from({ length: 40 }, () => ({ token: 200, vault: 200, reason: '' })));
});

test('E16 an identity that a user detached from a scale set is attached again within the reconcile interval', async () => {
  stage = await openStage({ nodes: 1 });
  await stage.install();
  const mic = await stage.startMic('1', ['--identity-assignment-reconcile-interval', '2s']);
  await mic.logged('became leader');
  await on.bind(stage, { name: 'e16', ...first });
  await stage.runPod({ name: 'e16', node: 0, label: 'e16' });
  await on.untilAssigned(stage.kube, ['e16']);
  const { world } = stage.sim.azure;
  world.detach(names.scaleSetId(names.scaleSet), first.resourceId);
  expect(on.isAttached(stage, first.resourceId)).toBe(false);
  await world.until(() => on.isAttached(stage, first.resourceId));
});

test('E21 the leading MIC and every NMI report Active, the standby reports Not Active until it leads', async () => {
  stage = await openStage();
  await stage.install();
  const leader = await stage.startMic('1');
  await leader.logged('became leader');
  const standby = await stage.startMic('2');
  const nmis = [await stage.startNmi(0), await stage.startNmi(1)];
  // A leader first reads the cluster: a pod that is served shows that it has.
  await on.bind(stage, { name: 'e21', ...first });
  await stage.runPod({ name: 'e21', node: 0, label: 'e21' });
  await on.untilAssigned(stage.kube, ['e21']);
  const bodies = await Promise.all([leader, standby, ...nmis.map(({ service }) => service)].map(on.healthOf));
  expect(bodies).toEqual(['Active', 'Not Active', 'Active', 'Active']);

  await leader.stop();
  await stage.runPod({ name: 'e21-after', node: 1, label: 'e21' });
  await on.untilAssigned(stage.kube, ['e21-after']);
  expect(await on.healthOf(standby)).toBe('Active');
});

test('E22 if the leader is deleted during an assignment, the other one completes it', async () => {
  stage = await openStage();
  await stage.install();
  const leader = await stage.startMic('1');
  await leader.logged('became leader');
  const other = await stage.startMic('2');
  await on.bind(stage, { name: 'e22-a', ...first });
  await on.bind(stage, { name: 'e22-b', ...second });
  const held = stage.sim.azure.holdOperations();
  const since = stage.sim.azure.journal.mark();
  const pods = await Promise.all(
    ['e22-a', 'e22-b'].flatMap((label) =>
      [0, 1].map((node) => stage.runPod({ name: `${label}-${node}`, node, label })),
    ),
  );
  await stage.sim.azure.journal.next({ service: 'arm', method: 'PATCH', since });
  // As kubectl delete pod does it.
  await leader.stop('SIGTERM');
  expect(leader.exitCode).toBe(0);
  await other.logged('became leader');
  held.release();
  await on.untilAssigned(
    stage.kube,
    pods.map(({ object }) => object.metadata.name),
  );
  expect(await on.assignedOf(stage.kube)).toHaveLength(4);
  for (const { resourceId } of [first, second]) expect(on.isAttached(stage, resourceId)).toBe(true);
});

test('E23 of two namespaces with the same names the first one’s identity is used until it is deleted', async () => {
  stage = await openStage({ nodes: 1 });
  await stage.install();
  const args = ['--forceNamespaced=false'];
  await (await stage.startMic('1', args)).logged('became leader');
  const nmi = await stage.startNmi(0, args);
  for (const name of ['alpha', 'beta', 'zeta'])
    await stage.create({ apiVersion: 'v1', kind: 'Namespace', metadata: { name } });
  await on.bind(stage, { name: 'e23', ...second, namespace: 'beta' });
  await on.bind(stage, { name: 'e23', ...first, namespace: 'alpha' });
  const pod = await stage.runPod({ name: 'e23-pod', namespace: 'zeta', node: 0, label: 'e23' });
  const refersTo = (namespace: string) =>
    on.untilAssignedObject(stage, 'e23-pod-zeta-e23', (assigned) => {
      const { azureIdentityRef, azureBindingRef } = assigned['spec'] as Record<
        'azureIdentityRef' | 'azureBindingRef',
        { metadata: { namespace: string } }
      >;
      const meant = [azureIdentityRef, azureBindingRef].map(({ metadata }) => metadata.namespace);
      return meant.every((one) => one === namespace) && on.stateOf(assigned) === 'Assigned';
    });
  // Not namespaced: all objects are in `default`.
  expect((await refersTo('alpha')).metadata.namespace).toBe('default');
  expect(await on.assignedOf(stage.kube)).toHaveLength(1);
  const { url } = await stage.path(pod, nmi);
  expect(await on.validate(stage, url, first.clientId)).toMatchObject({ token: 200, vault: 200 });
  expect(await on.validate(stage, url, second.clientId)).toMatchObject({ token: 400 });

  await on.remove(stage, { kind: 'AzureIdentityBinding', name: 'e23', namespace: 'alpha' });
  await refersTo('beta');
});
