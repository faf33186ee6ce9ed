// Attacks by what a namespace offers to the pods of another one.
import { apiVersion } from '@pod-identity/crd-types';
import { createFakeClock, type FakeClock } from '@pod-identity/kit/testing';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { asked, evil, rbac, startAccessStage, targetsOf, type AccessStage } from './access-stage.ts';
import { addressOf, type Nmi } from './harness.ts';

let stage: AccessStage;
let clock: FakeClock;
let nmi: Nmi;
beforeEach(async () => {
  stage = await startAccessStage();
  clock = createFakeClock(Date.now());
  nmi = await stage.nmi([...rbac, '--operation-mode=managed'], clock);
});
afterEach(() => stage.stop());

const idOf = (name: string) => stage.victim.replace('kiosk', name);

/** An AzureIdentity of the attacker that is open to the victim's namespace, for pods with this label. */
async function offer(name: string, selector: string, spec: object = {}) {
  await stage.cluster.client.request('POST', `/apis/${apiVersion}/namespaces/${evil}/azureidentities`, {
    apiVersion,
    kind: 'AzureIdentity',
    metadata: { name, namespace: evil },
    spec: { type: 0, resourceID: idOf(name), allowedNamespaces: { names: ['default'] }, ...spec },
  });
  await stage.cluster.binding({ namespace: evil, name, identity: name, selector });
}

/** Of the victim's namespace. */
const accept = (other: string) =>
  stage.cluster.client.request('PATCH', '/api/v1/namespaces/default', {
    metadata: { labels: { [`identities-from.aadpodidentity.k8s.io/${other}`]: 'true' } },
  });

const pod = async (label: string, name = 'victim', startedAt = new Date(clock.now())) =>
  addressOf(await stage.cluster.pod({ name, label, startedAt }));
/** NMI knows what is offered to pods with the label: it says so to an old one. */
const offered = async (label: string) => {
  const from = await pod(label, 'old', new Date(clock.now() - 3_600_000));
  await expect.poll(async () => (await nmi.send(asked(from))).text).toContain('bait');
};
const mayUse = (name: string) =>
  stage.grant('default/default', targetsOf({ type: 0, resourceID: idOf(name) }));

describe('a young pod whose binding has not come yet', () => {
  beforeEach(() => accept(evil));

  it.each([1, 2])('waits for it, however many identities another namespace offers it (%i)', async (count) => {
    for (let index = 0; index < count; index += 1) await offer(`bait-${index}`, 'late');
    await offered('late');
    const from = await pod('late');
    await mayUse('late');
    const answer = nmi.send(asked(from));
    await expect.poll(() => nmi.waitingCallers()).toBe(1);
    const identity = await stage.bound('late');
    stage.attach(identity);
    await expect(answer).resolves.toMatchObject({ status: 200, body: { client_id: identity.clientId } });
  });

  it('that never comes, is told to ask again and what it may not use; refused for good when it is not young any more', async () => {
    await offer('bait', 'never');
    await offered('never');
    const from = await pod('never');
    const answer = nmi.send(asked(from));
    await expect.poll(() => nmi.waitingCallers()).toBe(1);
    await expect.poll(() => nmi.metricsText()).toContain('reviews_total{verdict="denied"} 1');
    await clock.advance(6_000);
    const { status, body } = await answer;
    expect(status).toBe(503);
    expect(body['error_description']).toContain(`may not use AzureIdentity ${evil}/bait`);
    await clock.advance(55_000);
    const refused = await nmi.send(asked(from));
    expect(refused.status).toBe(400);
    expect(refused.body['error_description']).toContain(`may not use AzureIdentity ${evil}/bait`);
  });
});

it('a pod that is refused its own identity gets none that another namespace offers it in its place', async () => {
  await accept(evil);
  await offer('bait', 'kiosk');
  stage.attach(await stage.cluster.identity({ name: 'bait', resourceId: idOf('bait') }));
  await mayUse('bait');
  const from = await pod('kiosk', 'old', new Date(clock.now() - 3_600_000));
  const { status, body } = await nmi.send(asked(from));
  expect(status).toBe(400);
  expect(body['error_description']).toContain('may not use AzureIdentity default/kiosk');
});

it('what another namespace offers without a right makes no request of a pod ambiguous', async () => {
  await accept(evil);
  await offer('shared', 'guest');
  stage.attach(await stage.cluster.identity({ name: 'shared', resourceId: idOf('shared') }));
  await mayUse('shared');
  const from = await pod('guest', 'old', new Date(clock.now() - 3_600_000));
  await expect.poll(async () => (await nmi.send(asked(from))).status).toBe(200);
  await offer('bait', 'guest');
  const named = `&msi_res_id=${encodeURIComponent(idOf('bait'))}`;
  await expect.poll(async () => (await nmi.send(asked(from, named))).text).toContain('may not use');
  await expect(nmi.send(asked(from))).resolves.toMatchObject({ status: 200 });
});

it('a namespace that does not accept identities of another one hears nothing of what is offered there', async () => {
  await offer('bait', 'none');
  stage.attach(await stage.cluster.identity({ name: 'bait', resourceId: idOf('bait') }));
  await mayUse('bait');
  const from = await pod('none', 'old', new Date(clock.now() - 3_600_000));
  const { status, body } = await nmi.send(asked(from));
  expect(status).toBe(400);
  expect(body['error_description']).not.toContain('bait');
  await accept(evil);
  await expect.poll(async () => (await nmi.send(asked(from))).status).toBe(200);
});
