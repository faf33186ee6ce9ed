// Two namespaces share an application, by an AzureIdentity that both may use or by one of each; Entra counts the requests of both together.
import { createFakeClock } from '@pod-identity/kit/testing';
import { expect, it } from 'vitest';
import { callerOf, clientIdOf, issuedTo, openQueue, wantedFor } from '../../test/builders.ts';
import { createTurnQueues, type TurnQueue } from '../waiting/turn-queues.ts';
import { TokenError } from './errors.ts';
import { createTokenSource, type TokenSource } from './source.ts';
import type { IssuedToken, ServicePrincipal, TokenSubject, WantedToken } from './types.ts';

const [second, minute] = [1_000, 60_000];
const vault = 'https://vault.azure.net';

const application: ServicePrincipal = {
  kind: 'service-principal',
  name: 'shared/app',
  clientId: clientIdOf('shared'),
  tenantId: 'home',
  auxiliaryTenantIds: [],
  authority: 'https://login.microsoftonline.com',
  credential: 'secret',
  secret: { namespace: 'shared', name: 'app' },
};

interface Given {
  readonly subjectBy?: ((namespace: string, n: number) => TokenSubject) | undefined;
  readonly queue?: TurnQueue;
}

/** Entra, which accepts 120 requests of an application in any minute. */
const stage = ({ subjectBy = () => application, queue = openQueue }: Given = {}) => {
  const fake = createFakeClock();
  const setBack = { ms: 0 };
  const clock = { ...fake, now: () => fake.now() - setBack.ms };
  const requested: { readonly resource: string; readonly at: number }[] = [];
  const upstream = {
    requestToken: ({ resource }: WantedToken): Promise<IssuedToken> => {
      if (resource === 'api://refused') return Promise.reject(new TokenError('refused', 'no such resource'));
      const at = clock.now();
      requested.push({ resource, at });
      if (requested.filter((one) => one.at > at - minute).length > 120)
        return Promise.reject(new TokenError('throttled', 'too many', { status: 429 }));
      const token = `token-${requested.length}`;
      return Promise.resolve(issuedTo('shared', { now: at, expiresInMs: 60 * minute, token }));
    },
  };
  const source: TokenSource = createTokenSource({
    upstream,
    queueFor: () => queue,
    clock,
    random: () => 0.5,
  });
  let count = 0;
  /** By one of ten pods of the namespace, or by the given one. */
  const get = (namespace: string, { pod, ...over }: Partial<WantedToken> & { pod?: string } = {}) => {
    count += 1;
    const wanted = wantedFor<TokenSubject>(subjectBy(namespace, count), { resource: vault, ...over });
    return source.get(wanted, callerOf({ namespace, pod: pod ?? `web-${count % 10}` }));
  };
  return { clock, setBack, requested, get };
};

const ownIdentity = (namespace: string): TokenSubject => ({
  ...application,
  name: `${namespace}/app`,
  secret: { namespace, name: 'app' },
});
const manyIdentities = (namespace: string, n: number): TokenSubject => ({
  ...application,
  name: `${namespace}/app-${n}`,
  tenantId: `tenant-${n}`,
  secret: { namespace, name: `app-${n}` },
});

it.each<[string, ((namespace: string, n: number) => TokenSubject)?]>([
  ['by the same AzureIdentity'],
  ['by an AzureIdentity of its own', ownIdentity],
  ['by hundreds of AzureIdentities, Secrets and tenants', manyIdentities],
])(
  'attack: tokens of ever new resources for one namespace, %s: Entra does not throttle the application for another one',
  async (_, subjectBy) => {
    const { clock, requested, get } = stage({ subjectBy });
    const victims: Promise<unknown>[] = [];
    for (let n = 0; n < 300; n += 1) {
      for (let more = 0; more < 10; more += 1)
        void get('hostile', { resource: `api://${n}-${more}`, bypassCache: more % 2 === 0 }).catch(
          () => undefined,
        );
      if (n % 10 === 9) victims.push(get('victim', { resource: `api://victim-${n}` }));
      await clock.advance(second);
    }
    const outcomes = await Promise.allSettled(victims);
    expect(outcomes.filter(({ status }) => status === 'rejected')).toEqual([]);
    expect(requested.length).toBeGreaterThan(300);
  },
);

it('attack: a namespace that makes NMI forget an application, by 1,100 others, has no new quota for it', async () => {
  const wanted = { clientId: '' };
  const { clock, requested, get } = stage({ subjectBy: () => ({ ...application, ...wanted }) });
  const request = (clientId: string, resource: string, n: number) => {
    wanted.clientId = clientId;
    return get('hostile', { resource, pod: `web-${n % 100}` }).catch(() => undefined);
  };
  for (let round = 0; round < 10; round += 1) {
    for (let n = 0; n < 40; n += 1) await request(clientIdOf('shared'), `api://${round}-${n}`, n);
    for (let n = 0; n < 1_100; n += 1) await request(`app-${n}`, 'api://refused', n);
    await clock.advance(second);
  }
  expect(requested.length).toBeLessThanOrEqual(32 + 10);
});

it('attack: one pod leaves half of the quota of its namespace to the other pods', async () => {
  const { clock, get } = stage();
  for (let n = 0; n < 300; n += 1) {
    for (let more = 0; more < 5; more += 1)
      await get('one', { pod: 'hostile', resource: `api://${n}-${more}` }).catch(() => undefined);
    if (n % 10 === 9)
      await expect(get('one', { pod: 'victim', resource: `api://${n}` })).resolves.toMatchObject({
        from: 'miss',
      });
    await clock.advance(second);
  }
  const last = (n: number) => get('one', { pod: 'hostile', resource: `api://last-${n}` });
  await last(0).catch(() => undefined);
  await expect(last(1)).rejects.toThrow(/^This pod requests/);
});

it('a pod that is refused because others have used up the quota of its namespace does not pay for that', async () => {
  const { get } = stage();
  const ask = (pod: string, n: number) => get('one', { pod, resource: `api://${pod}-${n}` });
  for (const pod of ['busy', 'busy-too'])
    for (let n = 0; n < 16; n += 1) await ask(pod, n).catch(() => undefined);
  for (let n = 0; n < 20; n += 1) await expect(ask('quiet', n)).rejects.toThrow(/^Pods of this namespace/);
});

it('attack: requests of one namespace for new tokens that Entra refuses leave the application to another one', async () => {
  const { clock, get } = stage();
  const refused: unknown[] = [];
  for (let n = 0; n < 200; n += 1)
    await get('hostile', { resource: `api://${n}` }).catch((error: unknown) => refused.push(error));
  await clock.advance(0);
  await expect(get('victim')).resolves.toMatchObject({ from: 'miss' });
  // Not Entra's refusal: it says whose requests were too many, and of what.
  expect(refused[0]).toMatchObject({ code: 'throttled', status: undefined });
  expect(String(refused[0])).toContain('namespace');
  expect(String(refused[0])).toContain('shared/app');
});

it('a namespace at its limit gets a new token of the application as soon as a second later, and keeps what is in memory', async () => {
  const { clock, get } = stage();
  for (let n = 0; n < 40; n += 1) await get('hostile', { resource: `api://${n}` }).catch(() => undefined);
  await expect(get('hostile', { resource: 'api://0' })).resolves.toMatchObject({ from: 'hit' });
  await expect(get('hostile', { resource: 'api://next' })).rejects.toMatchObject({ code: 'throttled' });
  await clock.advance(second);
  await expect(get('hostile', { resource: 'api://next' })).resolves.toMatchObject({ from: 'miss' });
});

it('a namespace at its limit is told why its last request failed', async () => {
  const { get } = stage();
  const refused = () => get('one', { resource: 'api://refused' });
  for (let n = 0; n < 32; n += 1) await expect(refused()).rejects.toThrow('no such resource');
  await expect(refused()).rejects.toThrow(/too often\. The last request .* failed: no such resource$/);
});

it('the limit of a namespace is for each application', async () => {
  const { get } = stage({
    subjectBy: (_, n) => ({ ...application, clientId: clientIdOf(n > 100 ? 'other' : 'shared') }),
  });
  for (let n = 0; n < 100; n += 1) await get('one', { resource: `api://${n}` }).catch(() => undefined);
  await expect(get('one')).resolves.toMatchObject({ from: 'miss' });
});

it('what two namespaces ask for while they wait for their turns is requested once', async () => {
  const clock = createFakeClock();
  const waiting = { total: 256, perNamespace: 128, perPod: 32 };
  const queues = { only: { atATime: 1, waiting } };
  const queue = createTurnQueues({ clock, all: { atATime: 1, patienceMs: 10_000 }, queues }).only;
  const { requested, get } = stage({ queue });
  const free = Promise.withResolvers<() => void>();
  queue.enter({ namespace: 'other', pod: 'web' }, { begin: free.resolve, giveUp: () => undefined });
  const both = [get('one'), get('two')];
  (await free.promise)();
  for (const one of await Promise.all(both)) expect(one.issued.clientId).toBe(clientIdOf('shared'));
  expect(requested).toHaveLength(1);
});

it('attack: requests for no token from memory, in a loop, cause a request to Entra every five seconds', async () => {
  const { clock, requested, get } = stage();
  for (let n = 0; n < 600; n += 1) {
    await get(n % 2 === 0 ? 'hostile' : 'victim', { bypassCache: true });
    await clock.advance(100);
  }
  expect(requested).toHaveLength(12);
});

it('item 27: who wants none from memory gets a new token of an application, or one that came less than five seconds ago', async () => {
  const { clock, get } = stage();
  const old = await get('one');
  await clock.advance(5_000);
  const fresh = await get('one', { bypassCache: true });
  expect(fresh.issued.access.token).not.toBe(old.issued.access.token);
  await clock.advance(4_999);
  await expect(get('other', { bypassCache: true })).resolves.toEqual({ ...fresh, from: 'hit' });
});

it('item 27: a clock that is set back does not give a rejected token again', async () => {
  const { clock, setBack, get } = stage();
  const old = await get('one');
  await clock.advance(10 * second);
  setBack.ms = 60 * minute;
  const fresh = await get('one', { bypassCache: true });
  expect(fresh.issued.access.token).not.toBe(old.issued.access.token);
});

/** A token of a federated identity is that of one pod. */
const ofPod = (_: string, n: number): TokenSubject => ({
  kind: 'federated',
  name: 'one/app',
  clientId: clientIdOf('shared'),
  tenantId: 'home',
  pod: { namespace: 'one', name: `web-${n}`, uid: `uid-${n}` },
});

/** NMI whose broker gives every pod its token. */
const federatedSource = () => {
  const requested: string[] = [];
  const clock = createFakeClock();
  const source = createTokenSource({
    upstream: {
      requestToken({ resource }) {
        requested.push(resource);
        return Promise.resolve(issuedTo('shared', { now: clock.now(), expiresInMs: 60 * minute }));
      },
    },
    queueFor: () => openQueue,
    clock,
    random: () => 0.5,
  });
  const get = (n: number, resource = vault) =>
    source.get(
      wantedFor<TokenSubject>(ofPod('one', n), { resource }),
      callerOf({ namespace: 'one', pod: `uid-${n}` }),
    );
  return { get, requested, clock };
};

it('250 pods of a node, which start together with one federated identity, get a token each', async () => {
  const { get, requested } = federatedSource();
  const outcomes = await Promise.allSettled(Array.from({ length: 250 }, (_, n) => get(n)));
  expect(outcomes.filter(({ status }) => status === 'rejected')).toEqual([]);
  // A pod that requests ever new tokens still has its own limit.
  for (let n = 1; n < 16; n += 1) await get(0, `api://${n}`);
  await expect(get(0, 'api://16')).rejects.toThrow(/^This pod requests/);
  expect(requested).toHaveLength(250 + 15);
});

it('attack: 250 pods of one namespace, which request ever new tokens of a federated identity, leave the broker most of what it accepts from a node', async () => {
  const { get, requested, clock } = federatedSource();
  const all = Array.from({ length: 250 }, (_, n) => n);
  const second = async (name: number) => {
    await Promise.allSettled(all.flatMap((n) => [get(n, `api://${name}`), get(n, `api://${name}-more`)]));
    await clock.advance(1_000);
  };
  for (let name = 0; name < 3; name += 1) await second(name);
  expect(requested.length).toBeLessThan(512 + 3 * 8 + 1);
  const before = requested.length;
  for (let name = 3; name < 13; name += 1) await second(name);
  // The broker closes the connection of a node with more than 50 a second.
  expect((requested.length - before) / 10).toBeLessThan(10);
});
