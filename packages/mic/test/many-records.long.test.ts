// An editor has created more AzureAssignedIdentities than the share of their namespace: MIC removes them a share at a time, and pods get
// theirs meanwhile.
import { afterEach, expect, test } from 'vitest';
import { identityId, setStage, type RunningMic, type Stage } from './stage.ts';

let stage: Stage;
afterEach(() => stage.close());

const flood = 30;
const share = { namespaceShareBytes: 16 * 1024 };
const copy = (kind: string) => ({
  apiVersion: 'aadpodidentity.k8s.io/v1',
  kind,
  metadata: { name: 'app', namespace: 'default' },
});

async function forge(name: string, pod: string) {
  await stage.town.client.request(
    'POST',
    '/apis/aadpodidentity.k8s.io/v1/namespaces/default/azureassignedidentities',
    {
      apiVersion: 'aadpodidentity.k8s.io/v1',
      kind: 'AzureAssignedIdentity',
      metadata: { name },
      spec: {
        azureIdentityRef: {
          ...copy('AzureIdentity'),
          spec: { type: 0, resourceID: identityId('app'), clientID: 'c' },
        },
        azureBindingRef: { ...copy('AzureIdentityBinding'), spec: { azureIdentity: 'app', selector: 'app' } },
        pod,
        podNamespace: 'default',
        nodename: 'nowhere',
      },
      status: { status: 'Assigned' },
    },
  );
}

async function floodIn() {
  stage = await setStage({ scaleSets: [{ name: 'vmss1', instances: 1 }] });
  for (let n = 0; n < flood; n += 1) await forge(`forged-${n.toString().padStart(2, '0')}`, `p-${n}`);
  await stage.town.identity({ name: 'app' });
  await stage.town.binding({ name: 'app', identity: 'app', selector: 'app' });
}
const count = () => stage.assigned().length;
const known = ({ controller: { index } }: RunningMic) =>
  stage.assigned().filter(({ metadata }) => index.assigned(`default/${metadata.name}`)).length;

/** Half a minute passes, and the watches end. */
const pass = () => {
  stage.warp(31_000);
  stage.sim.kube.dropWatches();
};

/** Until MIC sees none of the editor's objects. */
function untilSeen(mic: RunningMic, of: () => boolean, what: string): Promise<void> {
  const { promise, resolve } = Promise.withResolvers<undefined>();
  const look = () => {
    if (of()) resolve(undefined);
  };
  const end = mic.controller.view.onChange(look);
  look();
  return stage.within(promise, what).finally(end);
}

/** A share at a time. */
async function untilRemoved(mic: RunningMic, own: number) {
  for (;;) {
    await untilSeen(mic, () => known(mic) === own, 'MIC to remove those that it keeps');
    const before = count();
    if (before === own) return;
    pass();
    await stage.until(() => count() < before, 'the next share of records to be removed');
  }
}

test('MIC keeps no more than the share holds, removes all of them over time, and logs one line for each list', async () => {
  await floodIn();
  const mic = await stage.startMic(share);
  await stage.within(mic.controller.view.synced, 'the first list');
  await stage.until(() => count() < flood, 'the first share of records to be removed');
  expect(count()).toBeGreaterThan(flood / 2);
  await untilRemoved(mic, 0);
  const told = mic.lines.filter((line) => line.includes('more objects than its share holds'));
  expect(told.length).toBeGreaterThan(0);
  expect(told.length).toBeLessThanOrEqual(flood / 10);
});

test('a pod gets its record meanwhile, which is written once and stays', async () => {
  await floodIn();
  const mic = await stage.startMic(share);
  await stage.town.pod({ name: 'web', label: 'app' });
  await stage.until(() => stage.states().includes('web-default-app: Assigned'), 'the record of the pod');
  const { uid } = stage.assigned().find(({ metadata }) => metadata.name === 'web-default-app')!.metadata;
  await untilRemoved(mic, 1);
  expect(stage.states()).toEqual(['web-default-app: Assigned']);
  expect(stage.assigned()[0]?.metadata.uid).toBe(uid);
  expect((await stage.explain('web', 'default', share)).text).not.toContain('--namespace-share');
});

const hasRecord = () =>
  stage.assigned().some(({ spec, status }) => {
    const [{ pod }, { status: state }] = [spec as { pod: string }, status as { status: string }];
    return pod === 'web' && state === 'Assigned';
  });

test('a pod whose record has its name taken by one that is left out gets another one', async () => {
  await floodIn();
  await forge('web-default-app', 'nobody');
  const mic = await stage.startMic(share);
  await stage.town.pod({ name: 'web', label: 'app' });
  const refused = () => mic.lines.filter((line) => line.includes('its name is taken by another pod'));
  await stage.until(() => refused().length > 0, 'a create to be refused');
  expect((await stage.explain('web', 'default', share)).text).toContain('--namespace-share');
  pass();
  await stage.until(hasRecord, 'the record of the pod');
  expect(refused().length).toBeLessThanOrEqual(3);
});
