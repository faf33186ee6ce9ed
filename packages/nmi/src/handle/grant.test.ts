import { createFakeClock } from '@pod-identity/kit/testing';
import { describe, expect, it, vi } from 'vitest';
import {
  askNobody,
  binding,
  clientIdOf,
  exception,
  identity,
  issuedTo,
  objectIdOf,
  openQueue,
  pod,
  record,
  rules,
  viewOf,
  type World,
} from '../../test/builders.ts';
import { createAuthorizer } from '../authorize/authorizer.ts';
import type { AuthorizeRules } from '../authorize/types.ts';
import { createGranter } from './grant.ts';
import { createCallerLimits } from '../waiting/caller-limits.ts';
import type { Selector, TokenRequest } from '../request/token-request.ts';
import { TokenError } from '../tokens/errors.ts';
import { keyOf } from '../tokens/memory.ts';
import { createTokenSource } from '../tokens/source.ts';
import type { IssuedToken, TokenWish } from '../tokens/types.ts';

const reader = identity({ name: 'reader' });
const writer = identity({ name: 'writer' });
const bound: World = { identities: [reader], bindings: [binding('reader')] };
const ready: World = { ...bound, records: [record(reader, 'Assigned')] };
const both: World = {
  identities: [reader, writer],
  bindings: [binding('reader'), binding('writer')],
  records: [record(reader, 'Assigned'), record(writer, 'Assigned')],
};

const stage = (
  world: World,
  over: { rules?: AuthorizeRules; waitingPerPod?: number; acceptedAt?: number; graceMs?: number } = {},
) => {
  const clock = createFakeClock();
  const cluster = viewOf(world);
  const ask = vi.fn((wish: TokenWish): Promise<IssuedToken> => {
    const name = wish.subject.kind === 'identity' ? wish.subject.name.replace('default/', '') : 'machine';
    return Promise.resolve(issuedTo(name, { now: clock.now() }));
  });
  const waited: number[] = [];
  const limits = createCallerLimits({
    waiting: { total: 100, perNamespace: 100, perPod: over.waitingPerPod ?? 100 },
    upstreamBurst: 5,
    upstreamPerSecond: 1,
  });
  const { acceptedAt, graceMs = 60_000 } = over;
  const started = acceptedAt === undefined ? {} : { acceptedAt };
  let latest = pod(started);
  const granter = createGranter({
    authorizer: createAuthorizer(cluster.view, over.rules ?? rules),
    latest: () => latest,
    changes: cluster.changes,
    tokens: createTokenSource({
      upstream: { ask },
      clock,
      random: () => 0,
      queueFor: () => openQueue,
      holdMs: 8_000,
    }),
    limits,
    access: askNobody,
    clock,
    onWaited: (ms) => waited.push(ms),
    bindingGraceMs: graceMs,
  });
  const gone = new AbortController();
  const request = async (selector: Selector = { by: 'nothing' }, more: Partial<TokenRequest> = {}) =>
    await granter.grant({
      pod: latest,
      request: {
        resource: 'https://vault.azure.net',
        selector,
        bypassCache: false,
        ...more,
      },
      patience: { deadline: clock.elapsed() + 8000, caller: { gone: gone.signal } },
    });
  const relabel = (labels: Record<string, string>) => {
    latest = pod({ ...started, labels });
  };
  const update = (status: { acceptedAt?: number }) => {
    latest = pod(status);
  };
  return { ask, clock, cluster, gone, limits, relabel, request, update, waited };
};

const notFound = () => Promise.reject(new TokenError('not-on-host', 'Identity not found'));

describe('an assigned identity', () => {
  it('is served, and from memory the next time', async () => {
    const { request, ask } = stage(ready);
    await expect(request()).resolves.toMatchObject({
      kind: 'token',
      pod: 'default/web',
      issued: { clientId: clientIdOf('reader') },
    });
    await request();
    expect(ask).toHaveBeenCalledTimes(1);
  });

  it('authorises first, from memory second: a right that ends ends at once', async () => {
    const { request, cluster } = stage(ready);
    await request();
    cluster.change({ ...ready, bindings: [] });
    await expect(request()).resolves.toMatchObject({ kind: 'denied', denial: { why: 'no-binding' } });
  });

  it('that the metadata service does not know is still on its way', async () => {
    const { request, ask, clock } = stage(ready);
    ask.mockImplementation(notFound);
    const answer = request();
    await clock.advance(8000);
    await expect(answer).resolves.toEqual({
      kind: 'not-assigned',
      pod: 'default/web',
      identity: 'default/reader',
      seen: 'assigned',
    });
  });

  it('whose token fails is answered with why', async () => {
    const { request, ask } = stage(ready);
    ask.mockRejectedValue(new TokenError('throttled', 'slow down', { retryAfterMs: 5 }));
    await expect(request()).resolves.toMatchObject({
      kind: 'token-failed',
      why: 'throttled',
      description: 'slow down',
      retryAfterMs: 5,
    });
  });

  it('a bug is not made an answer', async () => {
    const { request, ask, limits } = stage(ready);
    ask.mockRejectedValue(new RangeError('bug'));
    await expect(request()).rejects.toThrow(RangeError);
    expect(limits.waiting).toBe(0);
  });

  it('W-S12: a pod that asks for ever new tokens is slowed down, others are not', async () => {
    const { request, clock } = stage(ready);
    const kinds = [];
    for (let index = 0; index < 6; index += 1)
      kinds.push((await request({ by: 'nothing' }, { resource: `api://${index}` })).kind);
    expect(kinds).toEqual(['token', 'token', 'token', 'token', 'token', 'token-failed']);
    await clock.advance(1000);
    await expect(request({ by: 'nothing' }, { resource: 'api://9' })).resolves.toMatchObject({
      kind: 'token',
    });
  });
});

describe('attack: a record that anyone may forge says that an identity is assigned', () => {
  const forged: readonly [string, World][] = [
    ['in its own namespace', { ...bound, records: [record(reader, 'Assigned')] }],
    [
      'in another namespace, for a pod there',
      { ...bound, records: [record(reader, 'Assigned', { pod: 'evil', podNamespace: 'evil' })] },
    ],
  ];
  it.each(forged)('%s: its pod is told to try again, however long that lasts', async (_, world) => {
    const { request, ask, clock } = stage(world);
    ask.mockImplementation(notFound);
    for (let call = 0; call < 30; call += 1) {
      const answer = request();
      await clock.advance(8_000);
      await expect(answer).resolves.toMatchObject({ kind: 'not-assigned', seen: 'assigned' });
    }
  });

  it('another identity of the pod is found by its object id at once', async () => {
    const { request, ask, clock } = stage(both);
    const attached = ask.getMockImplementation();
    ask.mockImplementation((wish) =>
      keyOf(wish.subject).endsWith('reader') ? notFound() : (attached?.(wish) ?? notFound()),
    );
    const selector: Selector = { by: 'object-id', value: objectIdOf('writer') };
    await expect(request(selector)).resolves.toMatchObject({ kind: 'token', identity: 'default/writer' });
    const other = request({ by: 'object-id', value: objectIdOf('reader') });
    await clock.advance(8_000);
    await expect(other).resolves.toMatchObject({ kind: 'not-assigned', identity: 'default/reader' });
  });
});

describe('W-P6: an identity that is not assigned yet', () => {
  it('is served at the moment of its assignment, without polling', async () => {
    const { request, cluster, clock, waited } = stage(bound);
    const answer = request();
    await clock.advance(300);
    cluster.change({ ...bound, records: [record(reader, 'Created')] });
    await clock.advance(300);
    cluster.change(ready);
    await expect(answer).resolves.toMatchObject({ kind: 'token' });
    expect(waited).toEqual([600]);
    // The one timer left is the end of the token's life.
    expect([clock.pending, cluster.listeners]).toEqual([1, 0]);
  });

  it('is refused at the moment when its binding goes', async () => {
    const { request, cluster, clock } = stage(bound);
    const answer = request();
    await clock.advance(100);
    cluster.change({});
    await expect(answer).resolves.toMatchObject({ kind: 'denied' });
  });

  it('follows the pod when it is labelled otherwise meanwhile', async () => {
    const { request, cluster, clock, relabel } = stage(bound);
    const answer = request();
    await clock.advance(100);
    relabel({});
    cluster.change(ready);
    await expect(answer).resolves.toMatchObject({ kind: 'denied', denial: { why: 'no-label' } });
  });

  it('ends at the deadline with what was seen last', async () => {
    const { request, ask, cluster, clock } = stage(bound);
    ask.mockImplementation(notFound);
    const answer = request();
    await clock.advance(100);
    cluster.change({ ...bound, records: [record(reader, 'Created')] });
    await clock.advance(7900);
    await expect(answer).resolves.toMatchObject({ kind: 'not-assigned', seen: 'created' });
  });

  it('and that the metadata service does not know when it is assigned at last is waited for no longer than the one hold', async () => {
    const { request, ask, cluster, clock } = stage(bound);
    ask.mockImplementation(notFound);
    let outcome: object | undefined;
    void request().then((settled) => (outcome = settled));
    await clock.advance(7000);
    cluster.change(ready);
    await clock.advance(1000);
    expect(outcome).toMatchObject({ kind: 'not-assigned', seen: 'assigned' });
  });

  it('item 10: is served all the same when the host carries it, though no MIC says so; and then from memory', async () => {
    const { request, ask, clock } = stage(bound);
    const answer = request();
    await clock.advance(8000);
    await expect(answer).resolves.toMatchObject({ kind: 'token' });
    await expect(request()).resolves.toMatchObject({ kind: 'token' });
    expect(ask).toHaveBeenCalledTimes(1);
  });

  it('is not asked for when the caller has hung up', async () => {
    const { request, ask, gone, limits } = stage(bound);
    const answer = request();
    gone.abort();
    await expect(answer).resolves.toMatchObject({ kind: 'not-assigned' });
    expect(ask).not.toHaveBeenCalled();
    expect(limits.waiting).toBe(0);
  });

  it('lets only so many callers of a pod wait', async () => {
    const { request, gone } = stage(bound, { waitingPerPod: 1 });
    const first = request();
    await expect(request()).resolves.toEqual({ kind: 'overloaded', pod: 'default/web' });
    gone.abort();
    await first;
  });

  it('200 waiting callers make one question', async () => {
    const { request, ask, cluster, clock } = stage(bound, { waitingPerPod: 100 });
    const answers = Array.from({ length: 100 }, () => request());
    await clock.advance(10);
    cluster.change(ready);
    expect((await Promise.all(answers)).every(({ kind }) => kind === 'token')).toBe(true);
    expect(ask).toHaveBeenCalledTimes(1);
  });
});

describe('a pod that has started less than --binding-grace ago', () => {
  const unbound: World = {};
  const young = { acceptedAt: 0 };
  const refused = (why: string) => ({ kind: 'denied', denial: { why } });
  const toldToWait = (why: string) => ({ kind: 'not-assigned', seen: 'unbound', denial: { why } });
  const end = async ({ clock, request }: ReturnType<typeof stage>, selector?: Selector) => {
    const answer = request(selector);
    await clock.advance(8000);
    return answer;
  };
  const client = (name: string): Selector => ({ by: 'client-id', value: clientIdOf(name) });

  it('is served at the moment of the assignment when identity, binding and record come after its call', async () => {
    const { request, cluster, clock } = stage(unbound, young);
    const answer = request();
    await clock.advance(3000);
    cluster.change({ bindings: bound.bindings ?? [] });
    cluster.change(bound);
    await clock.advance(2000);
    cluster.change(ready);
    await expect(answer).resolves.toMatchObject({ kind: 'token', identity: 'default/reader' });
    expect([clock.now(), cluster.listeners]).toEqual([5000, 0]);
  });

  interface Case {
    readonly what: string;
    readonly world: World;
    readonly labels?: Record<string, string>;
    readonly selector?: Selector;
    readonly why: string;
  }
  it.each<Case>([
    { what: 'its binding', world: unbound, why: 'no-binding' },
    {
      what: 'a binding of its own namespace',
      world: {
        identities: [identity({ name: 'reader', namespace: 'shop', isNamespaced: true })],
        bindings: [binding('reader', { namespace: 'shop' })],
      },
      why: 'other-namespace',
    },
    {
      what: 'the identity of its binding',
      world: { bindings: [binding('reader')] },
      why: 'identity-missing',
    },
    {
      what: 'the identity that it asks for',
      world: ready,
      selector: client('writer'),
      why: 'not-this-identity',
    },
  ])(
    'is told to ask again while $what is missing, and refused when the grace is over',
    async ({ world, selector, why }) => {
      const staged = stage(world, young);
      await expect(end(staged, selector)).resolves.toMatchObject(toldToWait(why));
      await staged.clock.advance(50_000);
      const last = staged.request(selector);
      await staged.clock.advance(2000);
      await expect(last).resolves.toMatchObject(refused(why));
      expect(staged.clock.now()).toBe(60_000);
      await expect(staged.request(selector)).resolves.toMatchObject(refused(why));
    },
  );

  const listed = [exception({ aadpodidbinding: 'demo' }, 'default', [clientIdOf('reader')])];
  it.each<Case>([
    { what: 'no label', world: unbound, labels: {}, why: 'no-label' },
    { what: 'an empty label', world: unbound, labels: { aadpodidbinding: '' }, why: 'empty-label' },
    { what: 'several identities, and no word which', world: both, why: 'several-identities' },
    {
      what: 'an exception that does not free what it asks for',
      world: { ...both, exceptions: listed },
      selector: client('writer'),
      why: 'not-this-identity',
    },
  ])('is refused at once with $what', async ({ world, selector, labels, why }) => {
    const { request, relabel } = stage(world, young);
    if (labels) relabel(labels);
    await expect(request(selector)).resolves.toMatchObject(refused(why));
  });

  it('is refused at once when its label is taken away while it waits', async () => {
    const { request, cluster, clock, relabel } = stage(unbound, young);
    const answer = request();
    await clock.advance(1000);
    relabel({});
    cluster.change(unbound);
    await expect(answer).resolves.toMatchObject(refused('no-label'));
  });

  describe('and has no label', () => {
    const selecting = (podLabel: string, namespace = 'default') => {
      const of = binding('reader', { name: `for-${podLabel}`, namespace, selector: '' });
      return { ...of, spec: { ...of.spec, podSelector: { matchLabels: { app: podLabel } } } };
    };
    const other: World = { identities: [reader], bindings: [selecting('other')] };
    const unlabelled = (world: World) => {
      const staged = stage(world, young);
      staged.relabel({ app: 'web' });
      return staged;
    };

    it('is served when the binding that selects it comes after its call', async () => {
      const { request, cluster, clock } = unlabelled(other);
      const answer = request();
      await clock.advance(3000);
      cluster.change({ ...ready, bindings: [selecting('other'), selecting('web')] });
      await expect(answer).resolves.toMatchObject({ kind: 'token', identity: 'default/reader' });
      expect(clock.now()).toBe(3000);
    });

    it.each<Record<string, string>>([{ app: 'web' }, { app: 'web', aadpodidbinding: '' }])(
      'waits while bindings of its namespace select others without it, and is refused when the grace is over (%j)',
      async (labels) => {
        const staged = stage(other, young);
        staged.relabel(labels);
        const why = 'aadpodidbinding' in labels ? 'empty-label' : 'no-label';
        await expect(end(staged)).resolves.toMatchObject(toldToWait(why));
        await staged.clock.advance(52_000);
        await expect(staged.request()).resolves.toMatchObject(refused(why));
      },
    );

    it('is refused at once whatever bindings other namespaces have', async () => {
      const world = { ...other, bindings: [selecting('web', 'shop'), binding('reader', { selector: 'x' })] };
      await expect(unlabelled(world).request()).resolves.toMatchObject(refused('no-label'));
    });

    it('is refused at once when the last such binding goes', async () => {
      const { request, cluster, clock } = unlabelled(other);
      const answer = request();
      await clock.advance(1000);
      cluster.change({ ...other, bindings: [] });
      await expect(answer).resolves.toMatchObject(refused('no-label'));
    });

    it('is refused at once where bindings with other conditions take the label too', async () => {
      const both = { ...selecting('web'), spec: { ...selecting('web').spec, selector: 'demo' } };
      const world = { ...other, bindings: [both] };
      await expect(unlabelled(world).request()).resolves.toMatchObject(refused('no-label'));
    });
  });

  it('is refused when its status loses its start while it waits', async () => {
    const { request, update, cluster } = stage(unbound, { acceptedAt: 0 });
    const answer = request();
    update({});
    cluster.change(unbound);
    await expect(answer).resolves.toMatchObject({ kind: 'denied', denial: { why: 'no-binding' } });
  });

  it('has a place to wait in like one whose identity is pending', async () => {
    const { request, gone, limits } = stage(unbound, { ...young, waitingPerPod: 1 });
    const first = request();
    await expect(request()).resolves.toEqual({ kind: 'overloaded', pod: 'default/web' });
    expect(limits.waiting).toBe(1);
    gone.abort();
    await expect(first).resolves.toMatchObject(toldToWait('no-binding'));
  });

  it.each<[string, { acceptedAt?: number; graceMs?: number }]>([
    ['whose start nobody has told', {}],
    ['that has started a minute ago', { acceptedAt: -60_000 }],
    ['that will start in a minute, because the clock was set back', { acceptedAt: 60_000 }],
    ['where the grace is turned off', { acceptedAt: 0, graceMs: 0 }],
  ])('and one %s is refused at once', async (_, over) => {
    await expect(stage(unbound, over).request()).resolves.toMatchObject(refused('no-binding'));
  });

  it('and one whose start is a little ahead of the clock waits', async () => {
    await expect(end(stage(unbound, { acceptedAt: 2000 }))).resolves.toMatchObject(toldToWait('no-binding'));
  });
});

describe('an object id', () => {
  const byObject = (name: string): Selector => ({ by: 'object-id', value: objectIdOf(name) });

  it('leads to the identity whose token states it', async () => {
    await expect(stage(both).request(byObject('writer'))).resolves.toMatchObject({
      kind: 'token',
      issued: { objectId: objectIdOf('writer') },
    });
  });

  it('of somebody else is refused, whatever the machine carries', async () => {
    await expect(stage(both).request(byObject('foreign'))).resolves.toMatchObject({
      kind: 'denied',
      denial: { why: 'not-this-identity' },
    });
  });

  it.each([
    [
      'of a wrong client id',
      identity({ name: 'a', clientID: clientIdOf('forged'), namespace: 'a' }),
      undefined,
    ],
    ['that Azure refuses', identity({ name: 'a', namespace: 'a' }), 'denied' as const],
  ])(
    'attack: an identity %s that another namespace binds to the label takes it from no pod',
    async (_, forged, code) => {
      const world: World = {
        identities: [forged, ...(both.identities ?? [])],
        bindings: [binding('a', { namespace: 'a' }), ...(both.bindings ?? [])],
        records: [record(forged, 'Assigned'), ...(both.records ?? [])],
      };
      const { request, ask } = stage(world);
      const usual = ask.getMockImplementation();
      ask.mockImplementation((wish) =>
        code && wish.subject.kind === 'identity' && wish.subject.name === 'a/a'
          ? Promise.reject(new TokenError(code, 'no', { status: 403 }))
          : (usual?.(wish) ?? notFound()),
      );
      await expect(request(byObject('writer'))).resolves.toMatchObject({
        kind: 'token',
        identity: 'default/writer',
      });
      await expect(request(byObject('foreign'))).resolves.toMatchObject({ kind: 'token-failed' });
      ask.mockRejectedValue(new TokenError('throttled', 'slow down', { status: 429 }));
      await expect(request(byObject('writer'), { bypassCache: true })).resolves.toMatchObject({
        why: 'throttled',
      });
    },
  );

  it('may belong to an identity that is still being assigned', async () => {
    const world = { ...both, records: [record(reader, 'Assigned')] };
    await expect(stage(world).request(byObject('writer'))).resolves.toMatchObject({
      kind: 'not-assigned',
      identity: 'default/writer',
    });
  });
});

describe('W-C10: an exempt pod', () => {
  const exempt: World = { ...both, exceptions: [exception({ aadpodidbinding: 'demo' })] };
  it.each<Selector>([
    { by: 'nothing' },
    { by: 'client-id', value: 'a' },
    { by: 'object-id', value: 'a' },
    { by: 'resource-id', value: '/a' },
  ])('gets what the machine makes of %j', async (selector) => {
    const { request, ask } = stage(exempt);
    await expect(request(selector)).resolves.toMatchObject({ kind: 'token' });
    expect(ask.mock.calls[0]?.[0].subject).toEqual({ kind: 'machine', ...selector });
  });

  const listed: World = {
    ...both,
    exceptions: [exception({ aadpodidbinding: 'demo' }, 'default', [clientIdOf('reader')])],
  };
  const byResource: Selector = { by: 'resource-id', value: '/a' };

  it('gets by another id than a client id only what its exception frees, as the token says', async () => {
    const { request, ask } = stage(listed);
    ask.mockImplementation(() => Promise.resolve(issuedTo('reader')));
    await expect(request(byResource)).resolves.toMatchObject({ kind: 'token' });
  });

  it('is refused a token of an identity that its exception does not free, also the second time', async () => {
    const { request, ask } = stage(listed);
    ask.mockImplementation(() => Promise.resolve(issuedTo('writer')));
    const refusal = {
      kind: 'denied',
      denial: { why: 'not-this-identity', offered: [clientIdOf('reader')] },
    };
    await expect(request(byResource)).resolves.toMatchObject(refusal);
    await expect(request(byResource)).resolves.toMatchObject(refusal);
  });

  it.each<Selector>([
    { by: 'nothing' },
    { by: 'client-id', value: clientIdOf('reader') },
    { by: 'object-id', value: objectIdOf('reader') },
    byResource,
  ])(
    'by %j, a token of another identity is refused on the first call and on every later one',
    async (selector) => {
      const { request, ask } = stage(listed);
      ask.mockImplementation(() => Promise.resolve(issuedTo('writer')));
      const outcomes = [await request(selector), await request(selector), await request(selector)];
      expect(outcomes.map(({ kind }) => kind)).toEqual(['denied', 'denied', 'denied']);
    },
  );

  it('gets nothing from memory that a pod with a wider exception brought there', async () => {
    const { request, ask, cluster } = stage(exempt);
    ask.mockImplementation(() => Promise.resolve(issuedTo('writer')));
    const selector: Selector = { by: 'client-id', value: clientIdOf('reader') };
    await expect(request(selector)).resolves.toMatchObject({ kind: 'token' });
    cluster.change(listed);
    await expect(request(selector)).resolves.toMatchObject({ kind: 'denied' });
  });

  it('is told what the machine says when it does not carry the identity', async () => {
    const { request, ask } = stage(exempt);
    ask.mockImplementation(notFound);
    await expect(request()).resolves.toMatchObject({ kind: 'token-failed', why: 'not-on-host' });
  });
});

it('a type that is not served is told so, with the name of the object', async () => {
  const world = { identities: [identity({ name: 'reader', type: 1 })], bindings: [binding('reader')] };
  await expect(stage(world).request()).resolves.toMatchObject({
    kind: 'token-failed',
    why: 'misconfigured',
    description: expect.stringContaining('AzureIdentity default/reader') as string,
  });
});
