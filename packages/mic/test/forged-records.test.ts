// An editor of the namespace with the records of all pods (identities are not namespaced here) writes AzureAssignedIdentities for a pod of
// another namespace, exactly or nearly as MIC would, before MIC does.
import { nodeLabel } from '@pod-identity/crd-types';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { soonMs } from '../src/term/mirror-loop.ts';
import { identityId, setStage, stateOf, type Stage } from './stage.ts';

let stage: Stage;
beforeEach(async () => {
  stage = await setStage({ scaleSets: [{ name: 'vmss1', instances: 1 }], namespaces: ['shop'] });
  await stage.town.identity({ name: 'app', namespace: 'shop' });
  await stage.town.binding({ name: 'app', namespace: 'shop', identity: 'app', selector: 'app' });
});
afterEach(() => stage.close());

const node = () => stage.town.nodes[0]?.name ?? '';
const ownName = 'web-shop-app';

interface Forged {
  readonly name?: string;
  readonly pod?: string;
  readonly labels?: Readonly<Record<string, string>>;
}

/** Like MIC's own, except for the given fields. */
async function forge({ name = ownName, pod = 'web', labels = { [nodeLabel]: node() } }: Forged = {}) {
  const copyOf = (plural: string) => stage.sim.kube.get(plural, 'app', 'shop');
  await stage.town.client.request(
    'POST',
    '/apis/aadpodidentity.k8s.io/v1/namespaces/default/azureassignedidentities',
    {
      apiVersion: 'aadpodidentity.k8s.io/v1',
      kind: 'AzureAssignedIdentity',
      metadata: { name, labels },
      spec: {
        azureIdentityRef: copyOf('azureidentities'),
        azureBindingRef: copyOf('azureidentitybindings'),
        pod,
        podNamespace: 'shop',
        nodename: node(),
      },
      status: { status: 'Assigned', availableReplicas: 1 },
    },
  );
}
const victim = () => stage.town.pod({ name: 'web', namespace: 'shop', label: 'app' });

/** The records that NMI of the node selects by label, as in the manifests. */
const seenByNmi = () =>
  stage
    .assigned()
    .filter(({ metadata }) => metadata.labels?.[nodeLabel] === node())
    .map((object) => `${object.metadata.name}: ${stateOf(object)}`);

test.each<{ what: string; forged: Forged }>([
  { what: 'another name', forged: { name: 'forged' } },
  { what: 'another name and without the label by which NMI asks', forged: { name: 'forged', labels: {} } },
  { what: 'the name that MIC gives, without the label', forged: { labels: {} } },
  {
    what: 'the name that MIC gives, with the label of another node',
    forged: { labels: { [nodeLabel]: 'x' } },
  },
])(
  'a record with $what is not taken for one of MIC: the pod gets its own, and NMI sees it',
  async ({ forged }) => {
    await forge(forged);
    await victim();
    await stage.startMic();
    await stage.until(() => seenByNmi().includes(`${ownName}: Assigned`), 'the record of MIC');
    stage.warp(soonMs);
    await stage.until(
      () => seenByNmi().join() === `${ownName}: Assigned` && stage.assigned().length === 1,
      'the record of MIC alone',
    );
    expect(stage.states()).toEqual([`${ownName}: Assigned`]);
  },
);

const toldOf = (reason: string) =>
  stage.sim.kube
    .list('events')
    .filter((event) => event['reason'] === reason)
    .map((event) => event['involvedObject'] as { kind: string; name: string })
    .some(({ kind, name }) => kind === 'Pod' && name === 'web');

test.each(['before', 'after'])(
  'a record that is forged as Assigned does not keep the pod from hearing that Azure refused its identity, written %s that',
  async (when) => {
    stage.sim.azure.world.deleteIdentity(identityId('app'));
    if (when === 'before') await forge();
    else {
      await stage.town.pod({ name: 'first', namespace: 'shop', label: 'app' });
      await stage.startMic();
      await stage.until(() => stage.states().join() === 'first-shop-app: Created', 'the first refusal');
      await forge();
    }
    await victim();
    if (when === 'before') await stage.startMic();
    await stage.until(() => toldOf('IdentityRejected'), 'the Event on the pod');
    await stage.until(() => stage.states().includes(`${ownName}: Created`), 'the record to be corrected');
  },
);

const isAssigned = () =>
  stage
    .assigned()
    .some((object) => stateOf(object) === 'Assigned' && (object['spec'] as { pod: string }).pod === 'web');

test('of many that an editor made MIC removes all, and a pod gets its own meanwhile, which stays', async () => {
  for (let n = 0; n < 30; n += 1) await forge({ name: `forged-${n}`, pod: `gone-${n}` });
  await stage.startMic();
  await victim();
  await stage.until(isAssigned, 'the record of the pod');
  expect(stage.assigned()).toHaveLength(31);
  const uid = () => stage.assigned().find(({ metadata }) => metadata.name === ownName)?.metadata.uid;
  const before = uid();
  stage.warp(soonMs);
  await stage.until(() => stage.assigned().length === 1, 'the records of the editor to be removed');
  expect(uid()).toBe(before);
});

test.each(['nobody', 'other'])(
  'a record under the name that MIC gives, of pod %s, is overwritten',
  async (pod) => {
    await stage.town.pod({ name: 'other', namespace: 'shop' });
    await forge({ pod });
    const { lines } = await stage.startMic();
    await victim();
    await stage.until(() => isAssigned() && stage.assigned().length === 1, 'the record of the pod alone');
    expect(stage.states()).toEqual([`${ownName}: Assigned`]);
    expect(lines.filter((line) => line.includes('its name is taken by another pod'))).toEqual([]);
  },
);
