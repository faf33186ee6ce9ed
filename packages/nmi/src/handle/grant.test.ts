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
  resourceIdOf,
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
import type { IssuedToken, WantedToken } from '../tokens/types.ts';

const reader = identity({ name: 'reader' });
const writer = identity({ name: 'writer' });
const bound: World = { identities: [reader], bindings: [binding('reader')] };
/** The same, when MIC has written its record. */
const ready: World = { ...bound, records: [record(reader, 'Assigned')] };
const both: World = {
  identities: [reader, writer],
  bindings: [binding('reader'), binding('writer')],
};

const stage = (
  world: World,
  over: { rules?: AuthorizeRules; waitingPerPod?: number; acceptedAt?: number } = {},
) => {
  const clock = createFakeClock();
  const cluster = viewOf(world);
  const requestToken = vi.fn((wanted: WantedToken): Promise<IssuedToken> => {
    const name = wanted.subject.kind === 'identity' ? wanted.subject.name.replace('default/', '') : 'machine';
    return Promise.resolve(issuedTo(name, { now: clock.now() }));
  });
  const waited: number[] = [];
  const limits = createCallerLimits({
    waiting: { total: 100, perNamespace: 100, perPod: over.waitingPerPod ?? 100 },
    upstreamBurst: 5,
    upstreamPerSecond: 1,
  });
  const { acceptedAt } = over;
  const started = acceptedAt === undefined ? {} : { acceptedAt };
  let latest = pod(started);
  const tokens = createTokenSource({
    upstream: { requestToken },
    clock,
    random: () => 0,
    queueFor: () => openQueue,
  });
  cluster.onAssigned(tokens.hint);
  const granter = createGranter({
    authorizer: createAuthorizer(cluster.view, over.rules ?? rules),
    latest: () => latest,
    changes: cluster.changes,
    tokens,
    limits,
    access: askNobody,
    clock,
    onWaited: (ms) => waited.push(ms),
    bindingGraceMs: 60_000,
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
  return { requestToken, clock, cluster, gone, limits, relabel, request, update, waited };
};

const notFound = () => Promise.reject(new TokenError('not-on-host', 'Identity not found'));

describe('an identity that is attached', () => {
  it('is served, and from memory the next time', async () => {
    const { request, requestToken } = stage(ready);
    await expect(request()).resolves.toMatchObject({
      kind: 'token',
      pod: 'default/web',
      issued: { clientId: clientIdOf('reader') },
    });
    await request();
    expect(requestToken).toHaveBeenCalledTimes(1);
  });

  it('authorises first, from memory second: a right that ends ends at once', async () => {
    const { request, cluster } = stage(ready);
    await request();
    cluster.change({ ...ready, bindings: [] });
    await expect(request()).resolves.toMatchObject({ kind: 'denied', denial: { why: 'no-binding' } });
  });

  it('or is not yet: that the metadata service does not know it says that it is on its way', async () => {
    const { request, requestToken, clock } = stage(ready);
    requestToken.mockImplementation(notFound);
    const answer = request();
    await clock.advance(8000);
    await expect(answer).resolves.toEqual({
      kind: 'not-assigned',
      pod: 'default/web',
      identity: 'default/reader',
      seen: 'unattached',
    });
  });

  it('whose token fails is answered with why', async () => {
    const { request, requestToken } = stage(ready);
    requestToken.mockRejectedValue(new TokenError('throttled', 'slow down', { retryAfterMs: 5 }));
    await expect(request()).resolves.toMatchObject({
      kind: 'token-failed',
      why: 'throttled',
      description: 'slow down',
      retryAfterMs: 5,
    });
  });

  it('a bug is not made an answer', async () => {
    const { request, requestToken, limits } = stage(ready);
    requestToken.mockRejectedValue(new RangeError('bug'));
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
  const other = identity({ name: 'other', resourceID: resourceIdOf('reader') });
  const forged: readonly [string, World['records']][] = [
    ['in its own namespace', [record(reader, 'Assigned')]],
    ['for a pod elsewhere', [record(reader, 'Assigned', { pod: 'evil', podNamespace: 'evil' })]],
    ['as Created', [record(reader, 'Created')]],
    ['as Unassigned', [record(reader, 'Unassigned')]],
    ['by another AzureIdentity of the same resource', [record(other, 'Assigned')]],
    ['of an identity that the pod does not have', [record(writer, 'Assigned')]],
    ['not at all', []],
  ];
  /** What the pod is told in four minutes of requests, and when the metadata service was asked. */
  const play = async (records: World['records'] = [], everyMs = 50) => {
    const { request, requestToken, clock, cluster } = stage(bound);
    const askedAt: number[] = [];
    requestToken.mockImplementation(() => {
      askedAt.push(clock.now());
      return notFound();
    });
    const told: unknown[] = [];
    for (let call = 0; call < 30; call += 1) {
      void request().then((outcome) => told.push(outcome));
      for (let passed = 0; passed < 8_000; passed += everyMs) {
        cluster.change({ ...bound, records });
        await clock.advance(everyMs);
      }
    }
    return { told, askedAt };
  };
  const unattached = {
    kind: 'not-assigned',
    pod: 'default/web',
    identity: 'default/reader',
    seen: 'unattached',
  };

  it.each(forged)(
    '%s, again and again: its pod is told to try again, however long that lasts',
    async (_, records) => {
      const { told } = await play(records);
      expect(told).toEqual(Array.from({ length: 30 }, () => unattached));
    },
  );

  it.each(forged)(
    '%s, 20 times a second: the metadata service is asked once more in a second',
    async (_, records) => {
      const { askedAt } = await play(records);
      const usual = await play([], 8_000);
      expect(askedAt.length).toBeLessThanOrEqual(usual.askedAt.length + 4 * 60 + 1);
      for (const at of askedAt)
        expect(askedAt.filter((other) => other >= at && other < at + 1_000).length).toBeLessThanOrEqual(2);
    },
  );

  it('another identity of the pod is found by its object id at once', async () => {
    const { request, requestToken, clock, cluster } = stage(both);
    const attached = requestToken.getMockImplementation();
    requestToken.mockImplementation((wanted) =>
      keyOf(wanted.subject).endsWith('reader') ? notFound() : (attached?.(wanted) ?? notFound()),
    );
    const selector: Selector = { by: 'object-id', value: objectIdOf('writer') };
    await expect(request(selector)).resolves.toMatchObject({ kind: 'token', identity: 'default/writer' });
    const wanted = request({ by: 'object-id', value: objectIdOf('reader') });
    cluster.change({ ...both, records: [record(reader, 'Assigned'), record(writer, 'Assigned')] });
    await clock.advance(8_000);
    await expect(wanted).resolves.toMatchObject({ kind: 'not-assigned', identity: 'default/reader' });
  });
});

describe('W-P6: an identity that is not attached yet', () => {
  /** Until `attach` the metadata service does not know any identity. */
  const unattached = (...given: Parameters<typeof stage>) => {
    const staged = stage(...given);
    const usual = staged.requestToken.getMockImplementation() ?? notFound;
    staged.requestToken.mockImplementation(notFound);
    return { ...staged, attach: () => staged.requestToken.mockImplementation(usual) };
  };

  it('is served at the moment of its record, without polling', async () => {
    const { request, attach, cluster, clock, waited } = unattached(bound);
    const answer = request();
    await clock.advance(300);
    cluster.change({ ...bound, records: [record(reader, 'Created')] });
    await clock.advance(300);
    attach();
    cluster.change(ready);
    await clock.advance(0);
    await expect(answer).resolves.toMatchObject({ kind: 'token' });
    expect(waited).toEqual([600]);
    expect(cluster.listeners).toBe(0);
    await clock.advance(5_000);
    expect(clock.pending).toBe(0);
  });

  it('is served within a second or five where nobody writes records', async () => {
    for (const [waitedMs, withinMs] of [
      [500, 500],
      [6_900, 1_000],
    ] as const) {
      const { request, attach, clock, waited } = unattached(bound);
      const answer = request();
      await clock.advance(waitedMs);
      attach();
      await clock.advance(withinMs);
      await expect(answer).resolves.toMatchObject({ kind: 'token' });
      expect(waited).toHaveLength(1);
    }
  });

  it('is refused at the moment when its binding goes', async () => {
    const { request, cluster, clock } = unattached(bound);
    const answer = request();
    await clock.advance(100);
    cluster.change({});
    await expect(answer).resolves.toMatchObject({ kind: 'denied' });
  });

  it('follows the pod when it is labelled otherwise meanwhile', async () => {
    const { request, cluster, clock, relabel } = unattached(bound);
    const answer = request();
    await clock.advance(100);
    relabel({});
    cluster.change(ready);
    await expect(answer).resolves.toMatchObject({ kind: 'denied', denial: { why: 'no-label' } });
  });

  it('is waited for no longer than the one hold, whenever its record comes', async () => {
    const { request, cluster, clock } = unattached(bound);
    let outcome: object | undefined;
    void request().then((settled) => (outcome = settled));
    await clock.advance(7000);
    cluster.change(ready);
    await clock.advance(999);
    expect(outcome).toBeUndefined();
    await clock.advance(1);
    expect(outcome).toMatchObject({ kind: 'not-assigned', seen: 'unattached' });
  });

  it('is not asked for again when the caller has hung up', async () => {
    const { request, requestToken, clock, gone, limits } = unattached(bound);
    const answer = request();
    await clock.advance(100);
    gone.abort();
    await expect(answer).resolves.toMatchObject({ kind: 'not-assigned' });
    await clock.advance(20_000);
    expect(requestToken).toHaveBeenCalledTimes(1);
    expect([limits.waiting, clock.pending]).toEqual([0, 0]);
  });

  it('lets only so many callers of a pod wait', async () => {
    const { request, gone } = unattached(bound, { waitingPerPod: 1 });
    const first = request();
    await expect(request()).resolves.toEqual({ kind: 'overloaded', pod: 'default/web' });
    gone.abort();
    await first;
  });
});

describe('a pod that has started less than --binding-grace ago', () => {
  const unbound: World = {};
  const young = { acceptedAt: 0 };
  const refused = (why: string) => ({ kind: 'denied', denial: { why } });
  const toldToWait = (why: string) => ({ kind: 'not-assigned', seen: 'unbound', denial: { why } });
  const end = async ({ clock, request }: ReturnType<typeof stage>) => {
    const answer = request();
    await clock.advance(8000);
    return answer;
  };

  it('is served at the moment of the assignment when identity, binding and record come after its call', async () => {
    const { request, requestToken, cluster, clock } = stage(unbound, young);
    requestToken.mockImplementationOnce(notFound).mockImplementationOnce(notFound);
    const answer = request();
    await clock.advance(3000);
    cluster.change({ bindings: bound.bindings ?? [] });
    cluster.change(bound);
    await clock.advance(2000);
    expect(requestToken).toHaveBeenCalledTimes(2);
    cluster.change(ready);
    await clock.advance(0);
    await expect(answer).resolves.toMatchObject({ kind: 'token', identity: 'default/reader' });
    expect([clock.now(), cluster.listeners]).toEqual([5000, 0]);
  });

  it('is told to ask again while its binding is missing, and refused when the grace is over', async () => {
    const staged = stage(unbound, young);
    await expect(end(staged)).resolves.toMatchObject(toldToWait('no-binding'));
    await staged.clock.advance(50_000);
    const last = staged.request();
    await staged.clock.advance(2000);
    await expect(last).resolves.toMatchObject(refused('no-binding'));
    expect(staged.clock.now()).toBe(60_000);
    await expect(staged.request()).resolves.toMatchObject(refused('no-binding'));
  });

  it('is refused at once with several identities, and no word which', async () => {
    await expect(stage(both, young).request()).resolves.toMatchObject(refused('several-identities'));
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
});

describe('an object id', () => {
  const byObject = (name: string): Selector => ({ by: 'object-id', value: objectIdOf(name) });

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
      };
      const { request, requestToken } = stage(world);
      const usual = requestToken.getMockImplementation();
      requestToken.mockImplementation((wanted) =>
        code && wanted.subject.kind === 'identity' && wanted.subject.name === 'a/a'
          ? Promise.reject(new TokenError(code, 'no', { status: 403 }))
          : (usual?.(wanted) ?? notFound()),
      );
      await expect(request(byObject('writer'))).resolves.toMatchObject({
        kind: 'token',
        identity: 'default/writer',
      });
      await expect(request(byObject('foreign'))).resolves.toMatchObject({ kind: 'token-failed' });
      requestToken.mockRejectedValue(new TokenError('throttled', 'slow down', { status: 429 }));
      await expect(request(byObject('writer'), { bypassCache: true })).resolves.toMatchObject({
        why: 'throttled',
      });
    },
  );
});

describe('W-C10: an exempt pod', () => {
  const exempt: World = { ...both, exceptions: [exception({ aadpodidbinding: 'demo' })] };
  it.each<Selector>([{ by: 'nothing' }, { by: 'resource-id', value: '/a' }])(
    'gets what the machine makes of %j',
    async (selector) => {
      const { request, requestToken } = stage(exempt);
      await expect(request(selector)).resolves.toMatchObject({ kind: 'token' });
      expect(requestToken.mock.calls[0]?.[0].subject).toEqual({ kind: 'machine', ...selector });
    },
  );

  const listed: World = {
    ...both,
    exceptions: [exception({ aadpodidbinding: 'demo' }, 'default', [clientIdOf('reader')])],
  };
  const byResource: Selector = { by: 'resource-id', value: '/a' };

  it('gets by another id than a client id only what its exception frees, as the token says', async () => {
    const { request, requestToken } = stage(listed);
    requestToken.mockImplementation(() => Promise.resolve(issuedTo('reader')));
    await expect(request(byResource)).resolves.toMatchObject({ kind: 'token' });
  });

  it.each<Selector>([
    { by: 'nothing' },
    { by: 'client-id', value: clientIdOf('reader') },
    { by: 'object-id', value: objectIdOf('reader') },
    byResource,
  ])(
    'by %j, a token of another identity is refused on the first call and on every later one',
    async (selector) => {
      const { request, requestToken } = stage(listed);
      requestToken.mockImplementation(() => Promise.resolve(issuedTo('writer')));
      const refusal = {
        kind: 'denied',
        denial: { why: 'not-this-identity', offered: [clientIdOf('reader')] },
      };
      for (let call = 0; call < 3; call += 1) await expect(request(selector)).resolves.toMatchObject(refusal);
    },
  );

  it('gets nothing from memory that a pod with a wider exception brought there', async () => {
    const { request, requestToken, cluster } = stage(exempt);
    requestToken.mockImplementation(() => Promise.resolve(issuedTo('writer')));
    const selector: Selector = { by: 'client-id', value: clientIdOf('reader') };
    await expect(request(selector)).resolves.toMatchObject({ kind: 'token' });
    cluster.change(listed);
    await expect(request(selector)).resolves.toMatchObject({ kind: 'denied' });
  });

  it('is told what the machine says when it does not carry the identity', async () => {
    const { request, requestToken } = stage(exempt);
    requestToken.mockImplementation(notFound);
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
