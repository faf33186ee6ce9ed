// AzureAssignedIdentities only tell a running NMI when to ask the metadata service again: whoever forges, floods, or withholds them changes
// the moment of a request to it, and no response.
import { apiVersion } from '@pod-identity/crd-types';
import { createFakeClock, type FakeClock } from '@pod-identity/kit/testing';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { addressOf, passing, startStage, usualPause, type Nmi, type Stage } from './harness.ts';

let clock: FakeClock;
let stage: Stage;
beforeEach(async () => {
  clock = createFakeClock(Date.now());
  stage = await startStage({ now: () => clock.now() });
});
afterEach(() => stage.stop());

/** A bound pod `web`, whose identity is not on the machine. */
async function bound() {
  const identity = await stage.bound('web');
  const from = addressOf(await stage.cluster.pod({ name: 'web', label: 'web' }));
  return { identity, from };
}

const start = (...argv: string[]) => stage.nmi(['--caller-hold=0s', ...argv], clock);
const whenSynced = (nmi: Nmi) => expect.poll(() => nmi.agent.readiness.hasSynced()).toBe(true);
const asked = (nmi: Nmi, from: string) => passing(nmi.send({ from }), { clock, what: 'a response' });

describe('where nobody writes records', () => {
  it('an identity on the machine is served at once', async () => {
    const { identity, from } = await bound();
    stage.attach(identity);
    const nmi = await start();
    await whenSynced(nmi);
    const startedAt = clock.now();
    expect((await nmi.send({ from })).body['client_id']).toBe(identity.clientId);
    expect(clock.now()).toBe(startedAt);
  });

  it.each([403, 500])(
    'and the API server refuses to list them (%i), NMI is ready and serves',
    async (status) => {
      stage.sim.kube.faults.add({ match: { path: /azureassignedidentities/ }, then: { status } });
      const { identity, from } = await bound();
      stage.attach(identity);
      const nmi = await start('--pod-check-outage=1m');
      await whenSynced(nmi);
      expect(nmi.agent.readiness.canServe()).toBe(true);
      expect(await nmi.agent.readiness.problems()).toEqual([]);
      expect((await nmi.send({ from })).status).toBe(200);
    },
  );

  it.each(['standard', 'managed'])(
    'an identity that is not on the machine is waited for, however long, and served when it comes, in mode %s',
    async (mode) => {
      const { identity, from } = await bound();
      const nmi = await start('--hold=20s', `--operation-mode=${mode}`, '--pod-check-outage=1000h');
      await whenSynced(nmi);
      for (let call = 0; call < 12; call += 1) {
        const startedAt = clock.now();
        expect(await asked(nmi, from)).toMatchObject({
          status: 503,
          headers: { 'retry-after': expect.stringMatching(usualPause) as string },
          body: { error_description: expect.stringContaining('AzureIdentity default/web matches') as string },
        });
        expect(clock.now() - startedAt).toBeGreaterThanOrEqual(20_000);
      }
      stage.attach(identity);
      let answer = await asked(nmi, from);
      // The clock goes on while a real request to the metadata service is under way.
      for (let call = 0; call < 10 && answer.status === 503; call += 1) answer = await asked(nmi, from);
      expect(answer.body['client_id']).toBe(identity.clientId);
    },
  );
});

/** By an editor of the namespace of the pod: of its pod and identity, with the names of MIC and with others. */
async function forge(of: string, count: number) {
  const [node = { name: '' }] = stage.cluster.nodes;
  const ref = { metadata: { name: 'web', namespace: 'default' } };
  const { resourceID } = (
    stage.sim.kube.get('azureidentities', 'web', 'default') as unknown as { spec: { resourceID: string } }
  ).spec;
  for (let n = 0; n < count; n += 1)
    await stage.cluster.client.request(
      'POST',
      `/apis/${apiVersion}/namespaces/${of}/azureassignedidentities`,
      {
        apiVersion,
        kind: 'AzureAssignedIdentity',
        metadata: {
          name: n === 0 ? 'web-default-web' : `forged-${n}`,
          namespace: of,
          labels: { nodename: node.name },
        },
        spec: {
          azureIdentityRef: { apiVersion, kind: 'AzureIdentity', ...ref, spec: { type: 0, resourceID } },
          azureBindingRef: {
            apiVersion,
            kind: 'AzureIdentityBinding',
            ...ref,
            spec: { azureIdentity: 'web', selector: 'web' },
          },
          pod: 'web',
          podNamespace: 'default',
          nodename: node.name,
        },
        status: { status: 'Assigned' },
      },
    );
}

describe('attack: records that an editor forges as Assigned', () => {
  it.each(['default', 'shop'])(
    '60 in namespace %s: the response is what it is without',
    async (namespace) => {
      const { from } = await bound();
      await forge(namespace, 60);
      const nmi = await start('--hold=20s', '--pod-check-outage=1000h');
      await whenSynced(nmi);
      for (let call = 0; call < 10; call += 1) expect((await asked(nmi, from)).status).toBe(503);
    },
  );
});

it('a record that MIC writes wakes the request that waits for its identity', async () => {
  const { identity, from } = await bound();
  const nmi = await start('--hold=60s', '--pod-check-outage=1000h');
  await whenSynced(nmi);
  const waiting = nmi.send({ from });
  await expect.poll(() => nmi.waitingCallers()).toBe(1);
  await expect.poll(() => nmi.failedImdsCalls()).toBe(1);
  stage.attach(identity);
  await stage.record({ pod: 'web', identity: 'web', state: 'Assigned' });
  const mark = clock.now();
  // Only timers that are due now run: by itself the metadata service would be asked half a second later at least.
  const turn = setInterval(() => void clock.advance(0), 5);
  const { body } = await waiting.finally(() => clearInterval(turn));
  expect([body['client_id'], clock.now()]).toEqual([identity.clientId, mark]);
});
