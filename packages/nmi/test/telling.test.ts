import { afterAll, beforeAll, expect, it } from 'vitest';
import { addressOf, startStage, vaultResource, type Stage } from './harness.ts';

let stage: Stage;
let from: string;
let stranger: string;
beforeAll(async () => {
  stage = await startStage();
  const identity = await stage.bound('teller');
  stage.attach(identity);
  from = addressOf(await stage.cluster.pod({ name: 'teller-pod', label: 'teller' }));
  stranger = addressOf(await stage.cluster.pod({ name: 'stranger', label: 'nobody' }));
  await stage.record({ pod: 'teller-pod', identity: 'teller', state: 'Assigned' });
});
afterAll(() => stage.stop());

const eventsOf = (pod: string) =>
  stage.sim.kube
    .list('events')
    .map((event) => event as unknown as { reason: string; message: string; involvedObject: { name: string } })
    .filter(({ involvedObject }) => involvedObject.name === pod);

it('the audit tells the first token of a pod for a resource, and nothing else', async () => {
  const nmi = await stage.nmi(['--log-format=json', '--events=false']);
  for (let index = 0; index < 5; index += 1) expect((await nmi.send({ from })).status).toBe(200);
  await nmi.send({ from, query: 'resource=https%3A%2F%2Fmanagement.azure.com' });
  await nmi.send({ from: stranger });
  expect(await nmi.metricsText()).toContain('aadpodidentity_nmi_lines_lost_total 0');
  const told = nmi.audit.map((line) => {
    const { pod, identity, resource, from: origin } = JSON.parse(line) as Record<string, string>;
    return [pod, identity, resource, origin];
  });
  expect(told).toEqual([
    ['default/teller-pod', 'default/teller', 'https://vault.azure.net', 'miss'],
    ['default/teller-pod', 'default/teller', 'https://management.azure.com', 'miss'],
  ]);
});

it('a refused pod has one Event, with the words that its caller got; probes and wrong requests make none', async () => {
  const nmi = await stage.nmi();
  const told = await nmi.send({ from: stranger });
  for (let index = 0; index < 10; index += 1) await nmi.send({ from: stranger });
  await nmi.send({ from, headers: {} });
  await nmi.send({ from, query: 'resource=' });
  await nmi.agent.close();
  const events = eventsOf('stranger');
  expect(events.map(({ reason }) => reason)).toEqual(['IdentityNotFound']);
  expect(events[0]?.message).toBe(told.body['error_description']);
  expect(eventsOf('teller-pod')).toEqual([]);
  expect(await nmi.metricsText()).toMatch(
    /nmi_events_total\{reason="IdentityNotFound",result="recorded"\} 1\n/,
  );
});

it('both can be switched off', async () => {
  const nmi = await stage.nmi(['--audit=false', '--events=false']);
  const before = eventsOf('stranger').length;
  expect((await nmi.send({ from, query: vaultResource })).status).toBe(200);
  await nmi.send({ from: stranger });
  await nmi.agent.close();
  expect(nmi.audit).toEqual([]);
  expect(eventsOf('stranger')).toHaveLength(before);
});
