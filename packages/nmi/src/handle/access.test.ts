// Rights to Azure identities in the way of a token: what is asked first, and what counts when a right ends on the way.
import { createFakeClock } from '@pod-identity/kit/testing';
import { describe, expect, it, vi } from 'vitest';
import {
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
import type { AccessGuard } from '../access/guard.ts';
import type { AccessResult } from '../access/judge.ts';
import type { Access, AccessVerdict } from '../access/types.ts';
import { createAuthorizer } from '../authorize/authorizer.ts';
import type { Selector } from '../request/token-request.ts';
import { TokenError } from '../tokens/errors.ts';
import { createTokenSource } from '../tokens/source.ts';
import type { IssuedToken, WantedToken } from '../tokens/types.ts';
import { createCallerLimits } from '../waiting/caller-limits.ts';
import { createGranter } from './grant.ts';

const names = ['reader', 'writer', 'third'];
const identities = names.map((name) => identity({ name }));
const worldOf = (...bound: string[]): World => ({
  identities,
  bindings: bound.map((name) => binding(name)),
});
const hinted = (...bound: string[]): World => ({
  ...worldOf(...bound),
  records: identities.map((one) => record(one, 'Assigned')),
});

const stage = (world: World, started: { readonly acceptedAt?: number } = {}) => {
  const clock = createFakeClock();
  const cluster = viewOf(world);
  const verdicts = new Map<string, AccessVerdict>();
  const nameOf = ({ pairs }: Access) =>
    pairs === 'machine' ? 'machine' : (pairs[0]?.target.names[0].split('/').at(-1) ?? '');
  const answer = (access: Access): AccessResult => {
    const verdict = verdicts.get(nameOf(access)) ?? 'denied';
    return verdict === 'denied' ? { verdict, targets: [] } : { verdict };
  };
  const review = vi.fn((access: Access) => Promise.resolve(answer(access)));
  const guard: AccessGuard = { now: answer, review: review };
  const requestToken = vi.fn((wanted: WantedToken): Promise<IssuedToken> => {
    const name = wanted.subject.kind === 'identity' ? wanted.subject.name.replace('default/', '') : 'machine';
    return Promise.resolve(issuedTo(name, { now: clock.now() }));
  });
  const limits = createCallerLimits({
    waiting: { total: 100, perNamespace: 100, perPod: 100 },
    upstreamBurst: 50,
    upstreamPerSecond: 10,
  });
  const caller = pod(started);
  const tokens = createTokenSource({
    upstream: { requestToken },
    clock,
    random: () => 0,
    queueFor: () => openQueue,
  });
  cluster.onAssigned(tokens.hint);
  const granter = createGranter({
    authorizer: createAuthorizer(cluster.view, { ...rules, identityAccess: 'rbac' }),
    latest: () => caller,
    changes: cluster.changes,
    tokens,
    limits,
    access: guard,
    clock,
    onWaited: () => undefined,
    bindingGraceMs: 60_000,
  });
  const request = async (selector: Selector = { by: 'nothing' }) =>
    await granter.grant({
      pod: caller,
      request: { resource: 'https://vault.azure.net', selector, bypassCache: false },
      patience: { deadline: clock.elapsed() + 8_000, caller: { gone: new AbortController().signal } },
    });
  const set = (verdict: AccessVerdict, ...of: string[]) => of.forEach((name) => verdicts.set(name, verdict));
  return { requestToken, clock, cluster, request, review, set };
};

const denied = (name: string) => ({
  kind: 'denied',
  denial: {
    why: 'access-denied',
    identity: `default/${name}`,
    subject: { namespace: 'default', name: 'default' },
  },
});

describe('a right to the identity', () => {
  it('is asked for before memory and before Azure', async () => {
    const { request, requestToken, set } = stage(worldOf('reader'));
    await expect(request()).resolves.toMatchObject(denied('reader'));
    expect(requestToken).not.toHaveBeenCalled();
    set('allowed', 'reader');
    await expect(request()).resolves.toMatchObject({ kind: 'token', from: 'miss' });
    await expect(request()).resolves.toMatchObject({ kind: 'token', from: 'hit' });
    set('denied', 'reader');
    await expect(request()).resolves.toMatchObject(denied('reader'));
    expect(requestToken).toHaveBeenCalledTimes(1);
  });

  it('that ends while the metadata service is asked keeps the token back', async () => {
    const { request, requestToken, set } = stage(worldOf('reader'));
    set('allowed', 'reader');
    const asked = Promise.withResolvers<IssuedToken>();
    requestToken.mockReturnValue(asked.promise);
    const all = [request(), request()];
    await new Promise((resolve) => void setImmediate(resolve));
    expect(requestToken).toHaveBeenCalledTimes(1);
    set('denied', 'reader');
    asked.resolve(issuedTo('reader'));
    for (const one of all) await expect(one).resolves.toMatchObject(denied('reader'));
  });

  it('that ends while an assignment is awaited keeps the token back', async () => {
    const { request, requestToken, set, cluster, clock } = stage(worldOf('reader'));
    set('allowed', 'reader');
    requestToken.mockRejectedValueOnce(new TokenError('not-on-host', 'Identity not found'));
    const waiting = request();
    await clock.advance(500);
    set('denied', 'reader');
    cluster.change(hinted('reader'));
    await clock.advance(0);
    await expect(waiting).resolves.toMatchObject(denied('reader'));
    expect(requestToken).toHaveBeenCalledTimes(1);
  });

  it('that nobody answers for is a refusal that passes', async () => {
    const { request, requestToken, set } = stage(worldOf('reader'));
    set('unanswered', 'reader');
    await expect(request()).resolves.toEqual({
      kind: 'access-unanswered',
      pod: 'default/web',
      identity: 'default/reader',
    });
    set('busy', 'reader');
    await expect(request()).resolves.toEqual({ kind: 'overloaded', pod: 'default/web' });
    expect(requestToken).not.toHaveBeenCalled();
  });
});

describe('an identity that is refused', () => {
  it('counts as not bound: the other one is meant', async () => {
    const world = worldOf();
    const { request, set } = stage({
      ...world,
      bindings: [binding('reader', { isDefault: true }), binding('writer')],
    });
    set('allowed', 'writer');
    await expect(request()).resolves.toMatchObject({ kind: 'token', identity: 'default/writer' });
  });

  it('leaves none of several to a request that names none', async () => {
    const { request, set, requestToken } = stage(worldOf('reader', 'writer', 'third'));
    set('allowed', 'writer', 'third');
    await expect(request()).resolves.toMatchObject({
      kind: 'denied',
      denial: { why: 'several-identities', offered: [clientIdOf('third'), clientIdOf('writer')] },
    });
    expect(requestToken).not.toHaveBeenCalled();
  });

  it('leaves nothing to a request that names none while the right on another one is not known', async () => {
    const { request, set, requestToken } = stage(worldOf('reader', 'writer'));
    set('allowed', 'writer');
    for (const [verdict, kind] of [
      ['unanswered', 'access-unanswered'],
      ['busy', 'overloaded'],
    ] as const) {
      set(verdict, 'reader');
      await expect(request()).resolves.toMatchObject({ kind });
    }
    expect(requestToken).not.toHaveBeenCalled();
  });

  it('is told of when all are refused', async () => {
    const { request } = stage(worldOf('reader', 'writer'));
    await expect(request()).resolves.toMatchObject(denied('reader'));
  });

  it('leaves the only other one of a client id that two AzureIdentities state', async () => {
    const double = identity({ name: 'writer', clientID: clientIdOf('reader') });
    const world = { ...worldOf('reader', 'writer'), identities: [identities[0]!, double] };
    const { request, set } = stage(world);
    set('allowed', 'reader');
    await expect(request({ by: 'client-id', value: clientIdOf('reader') })).resolves.toMatchObject({
      kind: 'token',
      identity: 'default/reader',
    });
  });

  it('is not looked for among more than sixteen: a pod with so many names one', async () => {
    const many = Array.from({ length: 17 }, (_, index) => identity({ name: `many-${index}` }));
    const world = { identities: many, bindings: many.map(({ metadata }) => binding(metadata.name)) };
    const { request, review, set } = stage(world);
    set('allowed', 'many-0');
    await expect(request()).resolves.toMatchObject({ kind: 'denied', denial: { why: 'several-identities' } });
    expect(review).not.toHaveBeenCalled();
  });

  const open = { allowedNamespaces: { names: ['default'] } };
  const offers = (count: number) => {
    const offered = Array.from({ length: count }, (_, index) =>
      identity({
        name: `offer-${String(index).padStart(2, '0')}`,
        namespace: 'data',
        spec: open,
        clientID: undefined,
      }),
    );
    const accepted = { 'identities-from.aadpodidentity.k8s.io/data': 'true' };
    return {
      identities: offered,
      bindings: offered.map(({ metadata: { name } }) => binding(name, { namespace: 'data' })),
      namespaces: [{ name: 'default', labels: accepted, access: undefined }],
    };
  };

  it('is looked for among all that other namespaces offer, however many: offers without a right make nothing ambiguous', async () => {
    const { request, set } = stage(offers(40));
    set('allowed', 'offer-30');
    await expect(request()).resolves.toMatchObject({ kind: 'token', identity: 'data/offer-30' });
    set('allowed', 'offer-35');
    await expect(request()).resolves.toMatchObject({ kind: 'denied', denial: { why: 'several-identities' } });
    set('unanswered', 'offer-10');
    await expect(request()).resolves.toMatchObject({ kind: 'access-unanswered', identity: 'data/offer-10' });
  });

  it('is not kept from a pod by what other namespaces offer that nobody could use', async () => {
    const world = offers(2);
    const [, second] = world.identities;
    const unusable = { ...second!, spec: { ...second!.spec, type: 1 as const } };
    const { request, set } = stage({ ...world, identities: [world.identities[0]!, unusable] });
    set('allowed', 'offer-00');
    await expect(request()).resolves.toMatchObject({ kind: 'token', identity: 'data/offer-00' });
  });

  it('is looked for no longer than the request waits, also where the API server is slow', async () => {
    const { request, clock, review } = stage(offers(16));
    review.mockImplementation(async () => {
      await clock.sleep(4_000);
      return { verdict: 'denied', targets: [] };
    });
    const asked = request();
    await clock.advance(9_000);
    await expect(asked).resolves.toEqual({
      kind: 'access-unanswered',
      pod: 'default/web',
      identity: 'data/offer-02',
      why: 'late',
    });
    await clock.advance(9_000);
    expect(review).toHaveBeenCalledTimes(3);
  });

  it('is looked for when identities come while a young pod waits for one', async () => {
    const { request, cluster, clock, set } = stage({}, { acceptedAt: 0 });
    set('allowed', 'writer');
    const answer = request();
    await clock.advance(1_000);
    cluster.change(worldOf('reader', 'writer'));
    await expect(answer).resolves.toMatchObject({ kind: 'token', identity: 'default/writer' });
  });

  it('is named when the request names it, or when nothing else is left', async () => {
    const { request, set } = stage(worldOf('reader', 'writer'));
    set('allowed', 'writer');
    await expect(request({ by: 'client-id', value: clientIdOf('reader') })).resolves.toMatchObject(
      denied('reader'),
    );
    set('denied', 'writer');
    await expect(request({ by: 'client-id', value: clientIdOf('writer') })).resolves.toMatchObject(
      denied('writer'),
    );
  });

  it('is not asked for to find an object id', async () => {
    const { request, requestToken, set } = stage(worldOf('reader', 'writer', 'third'));
    set('allowed', 'third');
    const value = objectIdOf('third');
    await expect(request({ by: 'object-id', value })).resolves.toMatchObject({ identity: 'default/third' });
    expect(requestToken).toHaveBeenCalledTimes(1);
    await expect(request({ by: 'object-id', value: objectIdOf('reader') })).resolves.toMatchObject(
      denied('reader'),
    );
    expect(requestToken).toHaveBeenCalledTimes(1);
  });
});

describe('an exempt pod', () => {
  const free: World = { ...worldOf('reader'), exceptions: [exception({ aadpodidbinding: 'demo' })] };

  it('needs the right on the machine, else its bindings count', async () => {
    const { request, set, requestToken } = stage(free);
    set('allowed', 'machine');
    await expect(request()).resolves.toMatchObject({ kind: 'token', identity: '' });
    set('denied', 'machine');
    set('allowed', 'reader');
    await expect(request()).resolves.toMatchObject({ kind: 'token', identity: 'default/reader' });
    set('unanswered', 'machine');
    await expect(request()).resolves.toMatchObject({ kind: 'token', identity: 'default/reader' });
    expect(requestToken).toHaveBeenCalledTimes(2);
  });

  it('without bindings is told of the machine', async () => {
    const { request, set } = stage({ ...free, bindings: [] });
    await expect(request()).resolves.toMatchObject({
      kind: 'denied',
      denial: { why: 'access-denied', identity: '' },
    });
    set('unanswered', 'machine');
    await expect(request()).resolves.toMatchObject({ kind: 'access-unanswered', identity: '' });
  });
});
