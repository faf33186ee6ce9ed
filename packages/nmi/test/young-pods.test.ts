// Helm, GitOps and `kubectl apply -f .` create pods before the objects that bind them.
import { createFakeClock, type FakeClock } from '@pod-identity/kit/testing';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { addressOf, startStage, vaultResource, type PodRequest, type Nmi, type Stage } from './harness.ts';

let clock: FakeClock;
let stage: Stage;
let nmi: Nmi;

beforeEach(async () => {
  clock = createFakeClock(Date.now());
  stage = await startStage({ now: () => clock.now() });
  nmi = await stage.nmi([], clock);
});
afterEach(() => stage.stop());

const started = async (name: string, label: string | undefined, secondsAgo = 0) =>
  addressOf(
    await stage.cluster.pod({
      name,
      startedAt: new Date(clock.now() - secondsAgo * 1000),
      ...(label !== undefined && { label }),
    }),
  );
/** The answer to a call that is held now. */
async function held(ask: PodRequest) {
  const answer = nmi.send(ask);
  await expect.poll(() => nmi.waitingCallers()).toBe(1);
  return { answer };
}

it('a binding, its identity and the assignment that come after the first call of a new pod: the call gets its token', async () => {
  const from = await started('new', 'late');
  const { answer } = await held({ from });
  const identity = await stage.bound('late');
  stage.attach(identity);
  await stage.record({ pod: 'new', identity: 'late', state: 'Assigned' });
  await expect(answer).resolves.toMatchObject({ status: 200, body: { client_id: identity.clientId } });
});

it('a second identity of the label, asked for by its client id, is waited for as well', async () => {
  stage.attach(await stage.bound('first'));
  const from = await started('new', 'first');
  await stage.record({ pod: 'new', identity: 'first', state: 'Assigned' });
  await expect.poll(async () => (await nmi.send({ from })).status).toBe(200);
  const identity = await stage.cluster.identity({ name: 'second' });
  const query = `${vaultResource}&client_id=${identity.clientId}`;
  const { answer } = await held({ from, query });
  await stage.cluster.binding({ name: 'second-binding', identity: 'second', selector: 'first' });
  stage.attach(identity);
  await stage.record({ pod: 'new', identity: 'second', state: 'Assigned' });
  await expect(answer).resolves.toMatchObject({ status: 200, body: { client_id: identity.clientId } });
});

it('what never comes: told to ask again and what is missing, in the answer, the Event and the log; refused for good after a minute', async () => {
  const from = await started('new', 'never');
  const { answer } = await held({ from });
  await clock.advance(6_000);
  const { status, headers, body } = await answer;
  expect([status, Number(headers['retry-after'])]).toEqual([503, expect.any(Number)]);
  const why =
    "No AzureIdentityBinding has the selector 'never', which is the label aadpodidbinding of pod default/new.";
  expect(body['error_description']).toContain(why);
  expect(body['error_description']).toContain('--binding-grace');
  const events = () =>
    stage.sim.kube.list('events').map((event) => event as unknown as { reason: string; message: string });
  await expect
    .poll(events)
    .toEqual([expect.objectContaining({ reason: 'IdentityNotFound', message: body['error_description'] })]);
  expect(nmi.lines.filter((line) => line.includes('assignment-unbound'))).toEqual([
    expect.stringContaining(why),
  ]);
  await clock.advance(55_000);
  expect(await nmi.send({ from })).toMatchObject({
    status: 400,
    body: { error_description: `Identity not found. ${why}` },
  });
});

it('a pod without the label waits for the binding that selects it where its namespace has one for pods without it', async () => {
  const select = (name: string, serviceAccountName: string) =>
    stage.cluster.client.request(
      'POST',
      '/apis/aadpodidentity.k8s.io/v1/namespaces/default/azureidentitybindings',
      {
        apiVersion: 'aadpodidentity.k8s.io/v1',
        kind: 'AzureIdentityBinding',
        metadata: { name, namespace: 'default' },
        spec: { azureIdentity: 'late', serviceAccountName },
      },
    );
  const identity = await stage.cluster.identity({ name: 'late' });
  stage.attach(identity);
  const from = await started('bare', undefined);
  expect(await nmi.send({ from })).toMatchObject({ status: 400 });
  await select('other', 'other');
  const old = await started('old', undefined, 61);
  await expect
    .poll(async () => (await nmi.send({ from: old })).text)
    .toContain('selects it by podSelector or serviceAccountName');
  const { answer } = await held({ from });
  await select('late', 'default');
  await stage.record({ pod: 'bare', identity: 'late', state: 'Assigned' });
  await expect(answer).resolves.toMatchObject({ status: 200, body: { client_id: identity.clientId } });
});

it('a pod without the label and one that is old are refused at once, whatever comes later', async () => {
  const bare = await started('bare', undefined);
  const old = await started('old', 'never', 61);
  for (const from of [bare, old]) expect(await nmi.send({ from })).toMatchObject({ status: 400 });
});
