import { expect, it } from 'vitest';
import {
  agentToken,
  brokerStage,
  clientId,
  entraRefusal,
  otherClient,
  resultOf,
  reviewOf,
  tenant,
} from '../../test/broker-stage.ts';
import type { BrokerResponse } from '../broker/wire.ts';

const guid = (index: number) => `cccccccc-0000-0000-0000-${String(index).padStart(12, '0')}`;
const shop = { pod: { namespace: 'shop', name: 'web', uid: 'shop-uid' } };

/** Two namespaces on two nodes, each with its NMI. */
const stage = async () => {
  const given = await brokerStage();
  const { clock, world } = given;
  const second = { token: agentToken(clock, { jti: 'n2' }), peer: 'ip-n2' };
  world.reviews.set(second.token, reviewOf('nmi-2', 'nmi-uid-2'));
  world.pods.set('shop/web', { uid: 'shop-uid', node: 'n2', account: 'web' });
  world.pods.set('pay/web-2', { uid: 'web-2-uid', node: 'n2', account: 'web' });
  for (const right of [tenant, `${tenant}/${clientId}`])
    for (const account of ['shop/web', 'pay/web']) world.rights.add(`${account} ${right}`);
  const results: string[] = [];
  const note = (response: Promise<BrokerResponse>) =>
    void response.then((one) => results.push(resultOf(one)));
  return { ...given, note, results, second };
};

it('attack: a node that requests tokens for pods that do not exist delays no other', async () => {
  const { begin, calls, clock, note, second, world } = await stage();
  world.refusalMs = 1_000;
  for (let index = 0; index < 2_000; index += 1) {
    const pod = { namespace: `no-${index % 100}`, name: `p${index}`, uid: 'u' };
    note(begin({ pod }));
  }
  await clock.advance(100);
  expect(calls('pods').length).toBeGreaterThan(20);
  const response = begin(shop, second);
  const results: string[] = [];
  void response.then((one) => results.push(resultOf(one)));
  await clock.advance(0);
  expect(results).toEqual(['token']);
});

it('attack: requests without end cause at most 400 reads of pods and of NMIs at once, then 200 a second; those of one namespace half of that', async () => {
  const { begin, calls, clock, note } = await stage();
  const flood = async (namespaces: number) => {
    const before = calls('pods').length;
    // In steps, so that the queue is not what holds requests back.
    for (let step = 0; step < 40; step += 1) {
      for (let index = 0; index < 100; index += 1)
        note(begin({ pod: { namespace: `n${index % namespaces}`, name: `p${index}`, uid: 'u' } }));
      await clock.advance(100);
    }
    // Each request has two.
    return (calls('pods').length - before) / 2;
  };
  expect(await flood(100)).toBeLessThanOrEqual(400 + 4 * 200);
  await clock.advance(60_000);
  // 200 and 20 a second of all, then those of busy namespaces.
  expect(await flood(1)).toBeLessThanOrEqual(200 + 4 * 20 + 200 + 4 * 100);
});

it('attack: a node that requests tokens for pods of one namespace leaves turns to those of others', async () => {
  const { begin, clock, note, world } = await stage();
  world.pods.set('shop/web', { uid: 'shop-uid', node: 'n1', account: 'web' });
  for (let index = 0; index < 2_000; index += 1)
    note(begin({ pod: { namespace: 'evil', name: `p${index}`, uid: 'u' } }));
  const results: string[] = [];
  void begin(shop).then((one) => results.push(resultOf(one)));
  await clock.advance(0);
  expect(results).toEqual(['token']);
});

it('attack: a namespace with pods on a thousand nodes delays no other by a second', async () => {
  const { begin, request, clock, note, world } = await stage();
  const nodes = Array.from({ length: 1_000 }, (_, index) => `m${index}`);
  const agents = nodes.map((node) => ({ token: agentToken(clock, { jti: node }), peer: `ip-${node}` }));
  for (const [index, node] of nodes.entries()) {
    world.reviews.set(agents[index]?.token ?? '', reviewOf(`nmi-${node}`, `nmi-uid-${node}`));
    world.pods.set(`system/nmi-${node}`, { uid: `nmi-uid-${node}`, node, account: 'nmi' });
    world.pods.set(`evil/${node}`, { uid: 'u', node, account: 'web' });
    world.pods.set(`shop/${node}`, { uid: 'shop-uid', node, account: 'web' });
    await request({ pod: { namespace: 'evil', name: node, uid: 'u' } }, agents[index]);
    await clock.advance(10);
  }
  for (let seconds = 0; seconds < 3; seconds += 1) {
    for (const [index, node] of nodes.entries())
      for (const resource of ['a', 'b'])
        note(begin({ pod: { namespace: 'evil', name: node, uid: 'u' }, resource }, agents[index]));
    await clock.advance(1_000);
  }
  const results: string[] = [];
  const mine = { pod: { ...shop.pod, name: 'm500' } };
  void begin(mine, agents[500]).then((one) => results.push(resultOf(one)));
  await clock.advance(1_000);
  expect(results).toEqual(['token']);
});

it('attack: forged tokens from many addresses take turns from no NMI that was seen before', async () => {
  const { request, begin, calls, clock, note, world } = await stage();
  expect(resultOf(await request())).toBe('token');
  world.mood.tokenreviews = 'hangs';
  for (let index = 0; index < 500; index += 1)
    note(begin({}, { token: agentToken(clock, { jti: `forged ${index}` }), peer: `10.9.0.${index % 250}` }));
  await clock.advance(60_000);
  world.mood.tokenreviews = 'answers';
  const renewed = agentToken(clock, { jti: 'renewed' });
  world.reviews.set(renewed, reviewOf('nmi-1', 'nmi-uid-1'));
  for (let index = 0; index < 500; index += 1)
    note(begin({}, { token: agentToken(clock, { jti: `again ${index}` }), peer: `10.9.0.${index % 250}` }));
  const before = calls('tokenreviews').length;
  const results: string[] = [];
  void begin({}, { token: renewed }).then((one) => results.push(resultOf(one)));
  await clock.advance(0);
  expect(results).toEqual(['token']);
  expect(calls('tokenreviews').length - before).toBeLessThan(250);
});

it('attack: of forged tokens from many addresses only as many wait, in memory, as can get a turn', async () => {
  const { begin, clock, note, results, world } = await stage();
  world.mood.tokenreviews = 'hangs';
  for (let index = 0; index < 1_000; index += 1)
    note(begin({}, { token: agentToken(clock, { jti: `forged ${index}` }), peer: `10.9.0.${index % 250}` }));
  await clock.advance(0);
  expect(results.length).toBeGreaterThan(700);
  expect(new Set(results)).toEqual(new Set(['too_many_requests']));
});

it('an NMI is known by the address that it requests from, which in an overlay network is not that of its pod', async () => {
  const { request, agents } = await stage();
  expect(resultOf(await request({}, { peer: 'tunnel-n1' }))).toBe('token');
  expect(agents.isNoted('tunnel-n1')).toBe(true);
});

it('attack: the token of a stolen node makes one address at a time that of an NMI', async () => {
  const { request, agents, second } = await stage();
  await request(shop, second);
  const peers = ['ip-n1', '10.9.0.1', 'ip-n2', '10.9.0.2'];
  for (const peer of peers) await request({}, { peer });
  expect(peers.filter(agents.isNoted)).toEqual(['10.9.0.2']);
  await request(shop, second);
  expect(peers.filter(agents.isNoted)).toEqual(['ip-n2', '10.9.0.2']);
});

it('attack: forged tokens from a node with an NMI take turns from no other NMI', async () => {
  const { request, begin, clock, note, second, world } = await stage();
  await request();
  await request(shop, second);
  world.refusalMs = 4_000;
  for (let index = 0; index < 500; index += 1)
    note(begin({}, { token: agentToken(clock, { jti: `forged ${index}` }) }));
  await clock.advance(0);
  const renewed = { ...second, token: agentToken(clock, { jti: 'renewed' }) };
  world.reviews.set(renewed.token, reviewOf('nmi-2', 'nmi-uid-2'));
  const results: string[] = [];
  void begin(shop, renewed).then((one) => results.push(resultOf(one)));
  await clock.advance(0);
  expect(results).toEqual(['token']);
});

it('attack: identities without end of one namespace delay no other, and leave turns to its other nodes', async () => {
  const { begin, clock, note, second, world } = await stage();
  world.rights.delete(`pay/web ${tenant}`);
  world.refusalMs = 100;
  for (let index = 0; index < 1_000; index += 1) note(begin({ clientId: guid(index) }));
  await clock.advance(0);
  const results: string[] = [];
  void begin(shop, second).then((one) => results.push(resultOf(one)));
  await clock.advance(0);
  expect(results).toEqual(['token']);
  void begin({ pod: { namespace: 'pay', name: 'web-2', uid: 'web-2-uid' } }, second).then((one) =>
    results.push(resultOf(one)),
  );
  await clock.advance(300);
  expect(results).toEqual(['token', 'token']);
});

it('attack: resources without end of one namespace, which Entra does not answer, delay no other', async () => {
  const { begin, clock, note, second, world } = await stage();
  world.entra = ({ resource }) => (resource.startsWith('slow') ? 'hangs' : 'token');
  for (let index = 0; index < 500; index += 1)
    note(begin({ resource: `slow-${index}`, clientId: guid(index % 50) }));
  await clock.advance(0);
  const results: string[] = [];
  void begin(shop, second).then((one) => results.push(resultOf(one)));
  await clock.advance(0);
  expect(results).toEqual(['token']);
});

it('attack: resources without end of one namespace evict no token of another with the same identity', async () => {
  const { request, clock, exchanged, second, world } = await stage();
  await request(shop, second);
  let given = 0;
  for (let index = 0; index < 2_200; index += 1) {
    given +=
      resultOf(await request({ resource: `r-${index}`, clientId: guid(index % 100) })) === 'token' ? 1 : 0;
    await clock.advance(100);
    if (index % 500 === 0) world.reviews.set(second.token, reviewOf('nmi-2', 'nmi-uid-2'));
    if (index % 100 === 0) await request(shop, second);
  }
  expect(given).toBeGreaterThan(2_000);
  const ofShop = exchanged.filter(({ resource }) => resource === 'https://vault.azure.net');
  expect(ofShop).toHaveLength(1);
});

it('attack: refusals for one namespace keep the token of the same identity from no other', async () => {
  const { request, second, world } = await stage();
  world.entra = ({ resource }) =>
    resource === 'bad' ? entraRefusal(429, 90055, { retryAfterMs: 600_000 }) : 'token';
  for (let index = 0; index < 50; index += 1) await request({ resource: 'bad' });
  expect(resultOf(await request({ resource: 'bad' }))).toBe('too_many_requests');
  expect(resultOf(await request(shop, second))).toBe('token');
  expect(resultOf(await request({ clientId: otherClient }))).toBe('token');
});

it('attack: one namespace cannot use up what Entra accepts for an application', async () => {
  const { request, exchanged, second } = await stage();
  for (let index = 0; index < 200; index += 1) await request({ resource: `r-${index}` });
  expect(exchanged.length).toBeLessThan(100);
  expect(resultOf(await request({ ...shop, clientId }, second))).toBe('token');
});
