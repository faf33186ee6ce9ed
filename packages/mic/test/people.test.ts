import { afterEach, expect, test } from 'vitest';
import { setStage, type Stage } from './stage.ts';

let stage: Stage;
const enter = async () => (stage = await setStage({ scaleSets: [{ name: 'vmss1', instances: 1 }] }));
afterEach(() => stage.close());

const eventsOf = (name: string) =>
  stage.sim.kube
    .list('events')
    .filter((event) => (event['involvedObject'] as { name?: string }).name === name)
    .map((event) => `${String(event['reason'])}: ${String(event['message'])}`);
const told = (name: string, text: string) =>
  stage.until(() => eventsOf(name).some((event) => event.includes(text)));

test('the owner of a pod reads on the pod why it gets no identity, until it gets one', async () => {
  const { town } = await enter();
  await town.pod({ name: 'pod1', label: 'app' });
  const mic = await stage.startMic();
  await told('pod1', "No AzureIdentityBinding has the selector 'app'");
  await town.binding({ name: 'app-binding', identity: 'app', selector: 'app' });
  await told('pod1', 'names AzureIdentity default/app, which does not exist');
  await town.identity({ name: 'app' });
  await stage.allAssigned(1);
  await told('app-binding', `Binding app-binding applied on node ${town.nodes[0]!.name} for pod pod1`);
  expect(
    mic.lines.some((line) =>
      line.includes(`Binding app-binding applied on node ${town.nodes[0]!.name} for pod pod1`),
    ),
  ).toBe(true);
});

test('what was assigned before a swap with the original is not told again when its object is rewritten', async () => {
  const { town, sim } = await enter();
  await town.identity({ name: 'app' });
  await town.binding({ name: 'app-binding', identity: 'app', selector: 'app' });
  await town.pod({ name: 'pod1', label: 'app' });
  const first = await stage.startMic();
  await told('app-binding', 'Binding app-binding applied');
  await first.stop();
  const object = () => stage.assigned()[0]!;
  const { name } = object().metadata;
  const path = `/apis/aadpodidentity.k8s.io/v1/namespaces/default/azureassignedidentities/${name}`;
  const finalizers = ['azureassignedidentity.finalizers.aadpodidentity.k8s.io'];
  await town.client.request('PATCH', path, { metadata: { finalizers, ownerReferences: null } });
  expect(object().metadata.finalizers).toEqual(finalizers);
  const swap = sim.kube.journal.mark();
  await stage.startMic();
  await stage.until(() => !object().metadata.finalizers?.length);
  await town.identity({ name: 'other' });
  await town.binding({ name: 'other-binding', identity: 'other', selector: 'app' });
  await told('other-binding', 'Binding other-binding applied');
  // Events are written in order: one on the first binding would be earlier.
  const written = sim.kube.journal.entries({ path: /\/events/, since: swap });
  expect(written.filter(({ body = '' }) => !body.includes('other-binding'))).toEqual([]);
});

test('a pod that waits already when Azure refuses its identity is told so, with the command that helps', async () => {
  const { town, sim } = await enter();
  const { resourceId } = await town.identity({ name: 'app' });
  await town.binding({ name: 'app-binding', identity: 'app', selector: 'app' });
  await town.pod({ name: 'pod1', label: 'app' });
  const hold = sim.azure.holdOperations();
  await stage.startMic({ recordAfterMs: 50 });
  await told('pod1', 'WaitingForIdentity');
  sim.azure.world.deleteIdentity(resourceId);
  hold.release({
    code: 'FailedIdentityOperation',
    message: `Identity operation for resource failed: '${resourceId}'.`,
  });
  await told('pod1', 'IdentityRejected');
  await told('app', 'az identity show --ids');
});
