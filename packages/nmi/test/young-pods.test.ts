// Helm, GitOps and `kubectl apply -f .` create pods before the objects that bind them.
import { createFakeClock, type FakeClock } from '@pod-identity/kit/testing';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { addressOf, startStage, type PodRequest, type Nmi, type Stage } from './harness.ts';

let clock: FakeClock;
let stage: Stage;
let nmi: Nmi;

beforeEach(async () => {
  clock = createFakeClock(Date.now());
  stage = await startStage({ now: () => clock.now() });
  nmi = await stage.nmi([], clock);
});
afterEach(() => stage.stop());

const started = async (label: string) =>
  addressOf(await stage.cluster.pod({ name: 'new', label, startedAt: new Date(clock.now()) }));
/** The answer to a call that is held now. */
async function held(ask: PodRequest) {
  const answer = nmi.send(ask);
  await expect.poll(() => nmi.waitingCallers()).toBe(1);
  return { answer };
}

it('a binding, its identity and the assignment that come after the first call of a new pod: the call gets its token', async () => {
  const from = await started('late');
  const { answer } = await held({ from });
  const identity = await stage.bound('late');
  stage.attach(identity);
  await stage.record({ pod: 'new', identity: 'late', state: 'Assigned' });
  await expect(answer).resolves.toMatchObject({ status: 200, body: { client_id: identity.clientId } });
});

it('what never comes: told to ask again and what is missing, in the answer, the Event and the log; refused for good after a minute', async () => {
  const from = await started('never');
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
