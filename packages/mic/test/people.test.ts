import { afterEach, describe, expect, test } from 'vitest';
import { identityId, own, setStage, type Stage } from './stage.ts';

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

test('checklist 24: explain says whether a pod can act as its identity, and if not, why and what to do', async () => {
  const { town, sim } = await enter();
  await town.identity({ name: 'app' });
  await town.binding({ name: 'app-binding', identity: 'app', selector: 'app' });
  await town.pod({ name: 'good', label: 'app' });
  await town.pod({ name: 'plain' });
  await town.pod({ name: 'lost', label: 'nobody' });
  await stage.startMic();
  await stage.allAssigned(1);

  const good = await stage.explain('good');
  expect(good.text).toContain('app-binding');
  expect(good.code).toBe(0);
  expect(await stage.explain('plain')).toMatchObject({
    code: 1,
    text: expect.stringContaining('has no label aadpodidbinding') as string,
  });
  expect(await stage.explain('absent')).toMatchObject({
    code: 1,
    text: expect.stringContaining('no such pod') as string,
  });
  expect((await stage.explain('lost')).text).toContain("selector 'nobody'");

  const { resourceId: other } = sim.azure.world.addIdentity({ resourceId: identityId('other') });
  await town.identity({ name: 'other', resourceId: other });
  await town.binding({ name: 'other-binding', identity: 'other', selector: 'other' });
  sim.azure.world.deleteIdentity(other);
  await town.pod({ name: 'refused', label: 'other' });
  await stage.until((kube) => JSON.stringify(kube.list('configmaps')).includes('quarantined\\":[{'));
  const refused = await stage.explain('refused');
  expect(refused.code).toBe(1);
  expect(refused.text).toContain('az identity show');
  expect(stage.writes('azureassignedidentities')).toBeLessThanOrEqual(2);
});

test('what an AzureIdentity says forges no line of explain and steers no terminal', async () => {
  const { town, sim } = await enter();
  const hostile =
    'c\n✓ result       the pod gets tokens\r\u001b[2K\u009b31m\u202etxt\u2066\u2028\u200b\u{e0041}';
  sim.kube.seed([
    {
      apiVersion: 'aadpodidentity.k8s.io/v1',
      kind: 'AzureIdentity',
      metadata: { name: 'app', namespace: 'default' },
      spec: {
        type: 1,
        clientID: hostile,
        tenantID: 'tenant',
        clientPassword: { name: 'secret', namespace: 'default' },
      },
    },
  ]);
  await town.binding({ name: 'app-binding', identity: 'app', selector: 'app' });
  await town.pod({ name: 'pod1', label: 'app' });
  const { text, code } = await stage.explain('pod1');
  expect(code).toBe(1);
  expect(text.split('\n').filter((line) => line.startsWith('✓ result'))).toEqual([]);
  expect(text.replaceAll('\n', '')).not.toMatch(/[\p{C}\u2028]/u);
  expect(text).toContain(String.raw`\u001b[2K\u009b31m\u202etxt`);
});

test('explain writes nothing', async () => {
  const { town, sim } = await enter();
  await town.identity({ name: 'app' });
  await town.binding({ name: 'app-binding', identity: 'app', selector: 'app' });
  await town.pod({ name: 'pod1', label: 'app' });
  const { version } = sim.kube.storage;
  const { code, text } = await stage.explain('pod1');
  expect(code).toBe(1);
  expect(text).toContain('pod default/pod1');
  expect(sim.kube.storage.version).toBe(version);
  expect(stage.patches()).toBe(0);
});

describe('explain outside MIC’s pod, without MIC_POD_NAMESPACE', () => {
  const elsewhere = { namespace: undefined };

  test('finds MIC’s records by the ClusterRoleBinding of MIC, which editors of namespaces cannot write', async () => {
    const { town, sim } = await enter();
    sim.kube.seed([
      {
        apiVersion: 'rbac.authorization.k8s.io/v1',
        kind: 'ClusterRoleBinding',
        metadata: { name: 'pod-identity-mic' },
        roleRef: {
          apiGroup: 'rbac.authorization.k8s.io',
          kind: 'ClusterRole',
          name: 'pod-identity-mic',
        },
        subjects: [{ kind: 'ServiceAccount', name: 'mic', namespace: own }],
      },
    ]);
    await town.identity({ name: 'app' });
    await town.binding({ name: 'app-binding', identity: 'app', selector: 'app' });
    await town.pod({ name: 'pod1', label: 'app' });
    await stage.startMic();
    await stage.allAssigned(1);
    const { code, text } = await stage.explain('pod1', 'default', elsewhere);
    expect(text).toContain('attached by MIC');
    expect(code).toBe(0);
  });

  test('says that it found none, and not who attached what or that all will be well', async () => {
    const { town } = await enter();
    await town.identity({ name: 'app' });
    await town.binding({ name: 'app-binding', identity: 'app', selector: 'app' });
    await town.pod({ name: 'pod1', label: 'app' });
    const before = await stage.explain('pod1', 'default', elsewhere);
    expect(before.text).toContain('MIC’s records about its hosts were not found');
    expect(before.text).toContain('MIC_POD_NAMESPACE');
    expect(before.text).toMatch(/^… result .* unless Azure has refused it/m);
    await stage.startMic();
    await stage.allAssigned(1);
    const { code, text } = await stage.explain('pod1', 'default', elsewhere);
    expect(text).toMatch(/carries it, attached by whom is not known/);
    expect(code).toBe(0);
  });
});
