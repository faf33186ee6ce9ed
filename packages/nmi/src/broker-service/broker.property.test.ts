import fc from 'fast-check';
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
  type BrokerWorld,
} from '../../test/broker-stage.ts';
import { claimsIn } from '../tokens/claims.ts';
import type { BrokerResponse } from '../broker/wire.ts';

const clients = [clientId, otherClient] as const;
const names = ['web', 'job'] as const;
const nodes = ['n1', 'n1', 'n1', 'n2'] as const;
const uids = ['u1', 'u1', 'u1', 'u2'] as const;
const kinds = ['tokenreviews', 'pods', 'subjectaccessreviews'] as const;

const answers = ['answers', 'answers', 'answers', 'answers'] as const;

const request = fc.record({
  kind: fc.constant('request' as const),
  client: fc.constantFrom(...clients),
  name: fc.constantFrom(...names),
  uid: fc.constantFrom(...uids),
  node: fc.constantFrom(...nodes),
});
type Request = typeof request extends fc.Arbitrary<infer T> ? T : never;

const step = fc.oneof(
  { weight: 8, arbitrary: request },
  fc.record({
    kind: fc.constant('pass' as const),
    ms: fc.constantFrom(1, 400, 3_000, 10_000, 20_000, 61_000),
  }),
  fc.record({
    kind: fc.constant('pod' as const),
    name: fc.constantFrom(...names),
    uid: fc.constantFrom(...uids, undefined),
    node: fc.constantFrom(...nodes),
  }),
  fc.record({
    kind: fc.constant('right' as const),
    account: fc.constantFrom(...names),
    client: fc.constantFrom(...clients),
    isGranted: fc.boolean(),
  }),
  fc.record({ kind: fc.constant('agent' as const), node: fc.constantFrom(...nodes), isThere: fc.boolean() }),
  fc.record({
    kind: fc.constant('api' as const),
    of: fc.constantFrom(...kinds),
    mood: fc.constantFrom(...answers, 'fails' as const, 'hangs' as const),
  }),
  fc.record({
    kind: fc.constant('entra' as const),
    mood: fc.constantFrom(
      'token' as const,
      'token' as const,
      'token' as const,
      'other' as const,
      'hangs' as const,
      'missing' as const,
    ),
  }),
);
type Step = typeof step extends fc.Arbitrary<infer T> ? T : never;

/** What was true of pods, rights and agents, from a time on. */
interface Span {
  readonly from: number;
  readonly pods: ReadonlyMap<string, { readonly uid: string; readonly node: string }>;
  readonly rights: ReadonlySet<string>;
}

const longestAgeMs = 15_000;

function change(world: BrokerWorld, one: Step): void {
  if (one.kind === 'pod') {
    const { name, uid, node } = one;
    if (uid === undefined) world.pods.delete(`pay/${name}`);
    else world.pods.set(`pay/${name}`, { uid, node, account: name });
  }
  if (one.kind === 'right')
    world.rights[one.isGranted ? 'add' : 'delete'](`pay/${one.account} ${tenant}/${one.client}`);
  if (one.kind === 'agent') {
    const number = one.node.slice(1);
    if (one.isThere)
      world.pods.set(`system/nmi-${number}`, { uid: `nmi-uid-${number}`, node: one.node, account: 'nmi' });
    else world.pods.delete(`system/nmi-${number}`);
  }
  if (one.kind === 'api') world.mood[one.of] = one.mood;
  if (one.kind === 'entra')
    world.entra = () => {
      if (one.mood === 'missing') return entraRefusal(401, 70021);
      return one.mood === 'other' ? { token: 'e30.e30.x' } : one.mood;
    };
}

/** What is wrong with a token that came now. */
function faultsOf(wanted: Request, response: BrokerResponse, spans: readonly Span[]): string[] {
  if (response.kind !== 'token') return [];
  const { client, name, uid, node } = wanted;
  const { appid, tid } = claimsIn(response.token);
  const inTime = (holds: (span: Span) => boolean) => spans.some(holds);
  const facts = {
    'of another identity': appid === client && tid === tenant && response.clientId === client,
    'without right': inTime(({ rights }) => rights.has(`pay/${name} ${tenant}/${client}`)),
    'for another pod': inTime(
      ({ pods }) => pods.get(`pay/${name}`)?.uid === uid && pods.get(`pay/${name}`)?.node === node,
    ),
    'for no NMI': inTime(({ pods }) => pods.has(`system/nmi-${node.slice(1)}`)),
  };
  return Object.entries(facts).flatMap(([fault, isTrue]) => (isTrue ? [] : [fault]));
}

async function play(steps: readonly Step[]): Promise<number> {
  const { begin, clock, world } = await brokerStage();
  for (const name of names) world.pods.set(`pay/${name}`, { uid: 'u1', node: 'n1', account: name });
  for (const client of clients) world.rights.add(`pay/web ${tenant}/${client}`);
  const spans: Span[] = [];
  const note = () =>
    spans.push({ from: clock.now(), pods: new Map(world.pods), rights: new Set(world.rights) });
  note();
  const recent = () => {
    const since = clock.now() - longestAgeMs;
    return spans.filter((_, index) => (spans[index + 1]?.from ?? Infinity) >= since);
  };
  const faults: string[] = [];
  let given = 0;
  const send = (one: Request) => {
    const token = agentToken(clock, { jti: one.node });
    world.reviews.set(token, reviewOf(`nmi-${one.node.slice(1)}`, `nmi-uid-${one.node.slice(1)}`));
    const pod = { namespace: 'pay', name: one.name, uid: one.uid };
    void begin({ pod, clientId: one.client }, { token, peer: `ip-${one.node}` }).then((response) => {
      if (response.kind === 'token') given += 1;
      faults.push(...faultsOf(one, response, recent()));
    });
  };
  for (const one of steps) {
    if (one.kind === 'pass') await clock.advance(one.ms);
    else if (one.kind === 'request') send(one);
    else {
      change(world, one);
      note();
    }
    if (one.kind === 'request') await clock.advance(0);
  }
  await clock.advance(60_000);
  expect(faults).toEqual([]);
  return given;
}

it('no pod gets a token of an identity to which it had no right, or for another pod or NMI, whatever happens', async () => {
  let [runs, given] = [0, 0];
  await fc.assert(
    fc.asyncProperty(fc.array(step, { minLength: 10, maxLength: 60, size: 'max' }), async (steps) => {
      runs += 1;
      given += await play(steps);
    }),
    { numRuns: 150 },
  );
  // It is not the property that nobody gets anything.
  expect(given).toBeGreaterThan(runs);
});

const flood = fc.record({
  of: fc.constantFrom('pods', 'rights', 'resources', 'tokens'),
  namespaces: fc.integer({ min: 1, max: 5 }),
  count: fc.integer({ min: 1, max: 150 }),
  pauseMs: fc.constantFrom(0, 0, 100, 2_000),
});
type Flood = typeof flood extends fc.Arbitrary<infer T> ? T : never;

/** A node whose NMI was stolen, with pods in all of these namespaces. */
async function suffer(floods: readonly Flood[]): Promise<void> {
  const { request: requestOnce, begin, clock, world } = await brokerStage();
  const own = { token: agentToken(clock, { jti: 'n2' }), peer: 'ip-n2' };
  world.reviews.set(own.token, reviewOf('nmi-2', 'nmi-uid-2'));
  world.pods.set('shop/web', { uid: 'shop-uid', node: 'n2', account: 'web' });
  world.rights.add(`shop/web ${tenant}/${clientId}`);
  world.entra = ({ resource }) => (resource.startsWith('slow') ? 'hangs' : 'token');
  const shop = { pod: { namespace: 'shop', name: 'web', uid: 'shop-uid' } };
  await requestOnce(shop, own);
  let number = 0;
  for (const { of, namespaces, count, pauseMs } of floods) {
    for (let index = 0; index < count; index += 1) {
      number += 1;
      const namespace = `evil-${index % namespaces}`;
      if (of !== 'pods') world.pods.set(`${namespace}/p`, { uid: 'p', node: 'n1', account: 'p' });
      if (of === 'resources') world.rights.add(`${namespace}/p ${tenant}`);
      const client = `cccccccc-0000-0000-0000-${String(number).padStart(12, '0')}`;
      const token =
        of === 'tokens' ? { token: agentToken(clock, { jti: number }), peer: `10.9.0.${index}` } : {};
      const pod = { namespace, name: 'p', uid: 'p' };
      void begin({ pod, clientId: of === 'rights' ? client : clientId, resource: `slow-${number}` }, token);
    }
    await clock.advance(pauseMs);
  }
  let result = 'none';
  void begin({ ...shop, resource: 'new' }, own).then((response) => (result = resultOf(response)));
  await clock.advance(1_000);
  expect(result).toBe('token');
}

it('a node and its namespaces, whatever they request, delay no pod of another namespace and node by a second', async () => {
  await fc.assert(fc.asyncProperty(fc.array(flood, { minLength: 1, maxLength: 5 }), suffer), { numRuns: 25 });
});
