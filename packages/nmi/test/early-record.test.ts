// A record can reach NMI before the binding of its pod does. Where the records of its namespace are more than its share it is left
// out then: nothing says yet that MIC needs it.
import { apiVersion } from '@pod-identity/crd-types';
import { createFakeClock, type FakeClock } from '@pod-identity/kit/testing';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { addressOf, passing, startStage, type Nmi, type Stage } from './harness.ts';

const flood = 60;
/** KiB: some 40 records. */
const share = '--namespace-share=16';
const group = `/apis/${apiVersion}`;

let clock: FakeClock;
let stage: Stage;
let nmi: Nmi;
beforeEach(async () => {
  clock = createFakeClock(Date.now());
  stage = await startStage({ now: () => clock.now() });
});
afterEach(() => stage.stop());

async function floodIn() {
  for (let n = 0; n < flood; n += 1) await record(`forged-${n}`, 'nobody');
}

/** MIC's or an editor's: they differ in their names only. */
async function record(name: string, pod: string, resourceID = '/subscriptions/s/other') {
  const [node = { name: '' }] = stage.cluster.nodes;
  const identity = { metadata: { name: 'web', namespace: 'default' } };
  await stage.cluster.client.request('POST', `${group}/namespaces/default/azureassignedidentities`, {
    apiVersion,
    kind: 'AzureAssignedIdentity',
    metadata: { name, namespace: 'default', labels: { nodename: node.name } },
    spec: {
      azureIdentityRef: { apiVersion, kind: 'AzureIdentity', ...identity, spec: { type: 0, resourceID } },
      azureBindingRef: {
        apiVersion,
        kind: 'AzureIdentityBinding',
        ...identity,
        spec: { azureIdentity: 'web', selector: 'web' },
      },
      pod,
      podNamespace: 'default',
      nodename: node.name,
    },
    status: { status: 'Assigned' },
  });
}

const recordList = { method: 'GET', path: /azureassignedidentities$/, query: /^(?!.*watch=)/ };

it('that was left out is found with the next list, once its binding is known and the pod asks', async () => {
  await floodIn();
  const identity = await stage.cluster.identity({ name: 'web' });
  const from = addressOf(await stage.cluster.pod({ name: 'web', label: 'web' }));
  nmi = await stage.nmi(['--hold=5s', '--caller-hold=0s', share], clock);
  // The clock that `passing` moves is not that of the lists.
  await expect.poll(() => nmi.agent.readiness.hasSynced()).toBe(true);
  expect((await passing(nmi.ask({ from }), { clock, what: 'a refusal without binding' })).status).toBe(400);
  await record('web-default-web', 'web', identity.resourceId);
  await stage.cluster.binding({ name: 'web', identity: 'web', selector: 'web' });
  expect((await passing(nmi.ask({ from }), { clock, what: 'the end of the hold' })).status).toBe(503);
  stage.attach(identity);

  const listed = stage.sim.kube.journal.next({ ...recordList, since: stage.sim.kube.journal.mark() });
  await clock.advance(31_000);
  stage.sim.kube.dropWatches();
  await passing(listed, { clock, what: 'a list of the records' });
  // No time passes: nothing is asked of the metadata service, because there is no record.
  const { status, body } = await nmi.ask({ from });
  expect([status, body['client_id']]).toEqual([200, identity.clientId]);
});

/** A pod of an editor asks ten times, and waits the whole hold each time. Returns how often the records were listed, and in how many seconds. */
async function listsOfPatientPod() {
  await stage.cluster.identity({ name: 'web' });
  await stage.cluster.binding({ name: 'web', identity: 'web', selector: 'web' });
  const from = addressOf(await stage.cluster.pod({ name: 'web', label: 'web' }));
  nmi = await stage.nmi(['--hold=20s', '--caller-hold=0s', share], clock);
  const startedAt = clock.now();
  for (let n = 0; n < 10; n += 1) {
    expect((await passing(nmi.ask({ from }), { clock, what: 'the end of the hold' })).status).toBe(503);
    stage.sim.kube.dropWatches();
  }
  return { lists: stage.sim.kube.journal.count(recordList), seconds: (clock.now() - startedAt) / 1000 };
}

it('a pod that waits for a record that never comes costs one list in thirty seconds', async () => {
  await floodIn();
  const { lists, seconds } = await listsOfPatientPod();
  expect(lists).toBeGreaterThan(1);
  expect(lists - 1).toBeLessThanOrEqual(seconds / 30);
});

it('where nothing is left out a pod that waits costs no list', async () => {
  expect((await listsOfPatientPod()).lists).toBe(1);
});
