// Editors who change bindings all the time while requests wait: of the waiting pods' namespace, and of one whose identities it accepts.
import { acceptsLabelPrefix } from '@pod-identity/crd-types';
import { createFakeClock } from '@pod-identity/kit/testing';
import { describe, expect, it } from 'vitest';
import {
  binding,
  clientIdOf,
  identity,
  issuedTo,
  objectIdOf,
  openQueue,
  pod,
  rules,
  viewOf,
  type World,
} from '../../test/builders.ts';
import type { AccessGuard } from '../access/guard.ts';
import type { AccessResult } from '../access/judge.ts';
import type { Access } from '../access/types.ts';
import { createAuthorizer } from '../authorize/authorizer.ts';
import type { Outcome } from '../respond/outcome.ts';
import type { Selector } from '../request/token-request.ts';
import { TokenError } from '../tokens/errors.ts';
import { createTokenSource } from '../tokens/source.ts';
import type { IssuedToken, TokenSubject } from '../tokens/types.ts';
import { createCallerLimits } from '../waiting/caller-limits.ts';
import { createGranter } from './grant.ts';

const holdMs = 25_000;
const nameIn = (resource: string) => resource.split('/').at(-1) ?? '';
const reviewedIn = ({ pairs }: Access) =>
  pairs === 'machine' ? '' : nameIn(pairs[0]?.target.names[0] ?? '');

/** The limits of the agent. Reviews take `reviewMs`; each decision takes `decisionMs` of the time by which waits are paced. */
const stage = (world: World, { decisionMs = 0, reviewMs = 0 } = {}) => {
  const even = createFakeClock();
  let workedMs = 0;
  const clock = { ...even, elapsed: () => even.elapsed() + workedMs };
  const cluster = viewOf(world);
  const attached = new Map<string, { readonly takesMs: number; readonly then?: () => void }>();
  const asked: string[] = [];
  const reviewed: string[] = [];
  const verdicts = new Map<string, AccessResult>();
  const access: AccessGuard = {
    now: (right) => verdicts.get(reviewedIn(right)),
    review: async (right) => {
      const name = reviewedIn(right);
      reviewed.push(name);
      await clock.sleep(reviewMs);
      const answer = verdicts.get(name) ?? { verdict: 'allowed' };
      if (answer.verdict !== 'busy') verdicts.set(name, answer);
      return answer;
    },
  };
  const requestToken = async ({ subject }: { readonly subject: TokenSubject }): Promise<IssuedToken> => {
    const name = subject.kind === 'identity' ? nameIn(subject.resourceId) : '';
    asked.push(name);
    const known = attached.get(name);
    if (!known) throw new TokenError('not-on-host', 'Identity not found');
    await clock.sleep(known.takesMs);
    known.then?.();
    return issuedTo(name, { now: clock.now() });
  };
  const authorizer = createAuthorizer(cluster.view, { ...rules, identityAccess: 'rbac' });
  const granter = createGranter({
    authorizer: {
      decide: (...question) => {
        workedMs += decisionMs;
        return authorizer.decide(...question);
      },
    },
    access,
    limits: createCallerLimits({
      waiting: { total: 2_048, perNamespace: 1_024, perPod: 512 },
      upstreamBurst: 20,
      upstreamPerSecond: 4,
    }),
    clock,
    latest: (known) => known,
    changes: cluster.changes,
    tokens: createTokenSource({
      upstream: { requestToken },
      clock,
      random: () => 0,
      queueFor: () => openQueue,
    }),
    onWaited: () => undefined,
    bindingGraceMs: 0,
  });
  const web = pod();
  const request = (selector: Selector = { by: 'nothing' }, bypassCache = false) => {
    const end: { outcome?: Outcome; afterMs?: number } = {};
    const caller = { gone: new AbortController().signal };
    const granted = granter.grant({
      pod: web,
      request: { resource: 'https://vault.azure.net', selector, bypassCache },
      patience: { deadline: clock.elapsed() + holdMs, caller },
    });
    void Promise.resolve(granted).then((outcome) =>
      Object.assign(end, { outcome, afterMs: clock.elapsed() }),
    );
    return end;
  };
  return { clock, cluster, attached, asked, reviewed, verdicts, request, workedMs: () => workedMs };
};

const names = ['a', 'b', 'c', 'd', 'e', 'f', 'g'];
const identities = names.map((name) => identity({ name }));
const boundTo = (change: number): World => ({
  identities,
  bindings: [binding(names[change % names.length] ?? '')],
});

describe('attack: an editor who binds a pod to another identity at each moment, none of which is on the machine', () => {
  it('causes a decision a second for each of 500 waiting requests, not one for each change', async () => {
    const { clock, cluster, request, workedMs } = stage(boundTo(0), { decisionMs: 0.02 });
    const ends = Array.from({ length: 500 }, () => request());
    await clock.advance(3_000);
    const [from, workedFrom] = [clock.elapsed(), workedMs()];
    for (let change = 1; change < 250; change += 1) {
      cluster.change(boundTo(change));
      await clock.advance(20);
    }
    expect(ends.every(({ outcome }) => outcome === undefined)).toBe(true);
    expect(workedMs() - workedFrom).toBeLessThanOrEqual((clock.elapsed() - from) / 5);
  });

  it('delays the token of the identity that is bound in the end by a second', async () => {
    const { clock, cluster, attached, request } = stage(boundTo(0));
    const end = request();
    for (let change = 1; change <= 100; change += 1) {
      cluster.change(boundTo(change));
      await clock.advance(10);
    }
    attached.set('a', { takesMs: 50 });
    cluster.change(boundTo(0));
    await clock.advance(1_100);
    expect(end.outcome).toMatchObject({ kind: 'token', issued: { clientId: clientIdOf('a') } });
  });
});

it('attack: an editor who changes a binding during each review ends with the hold and one review, which takes 9 s at most', async () => {
  const { clock, cluster, attached, reviewed, request } = stage(boundTo(0), { reviewMs: 8_000 });
  attached.set('a', { takesMs: 12_000 });
  const end = request();
  await clock.advance(19_000);
  for (let change = 1; change < 5; change += 1) {
    cluster.change(boundTo(change));
    await clock.advance(8_400);
  }
  expect(end.outcome).toMatchObject({ kind: 'rights-changed' });
  expect(end.afterMs).toBeLessThanOrEqual(holdMs + 9_000);
  expect(reviewed).toEqual(['a', 'b']);
});

describe('a request by object id that waits for an identity of its own namespace', () => {
  const other = 'other';
  const offers = Array.from({ length: 90 }, (_, index) => `offer-${index}`);
  const offering = (offered: readonly string[]): World => ({
    identities: [
      identity({ name: 'own' }),
      ...offered.map((name) =>
        identity({ name, namespace: other, spec: { allowedNamespaces: { names: ['default'] } } }),
      ),
    ],
    bindings: [binding('own'), ...offered.map((name) => binding(name, { namespace: other }))],
    namespaces: [{ name: 'default', labels: { [`${acceptsLabelPrefix}${other}`]: 'true' }, access: 'rbac' }],
  });
  const own: Selector = { by: 'object-id', value: objectIdOf('own') };

  it('attack: does not end since another namespace offers so many identities that the API server may not be asked about all', async () => {
    const { clock, attached, reviewed, verdicts, request } = stage(offering(offers));
    for (const name of offers.slice(0, 50)) verdicts.set(name, { verdict: 'denied', targets: [] });
    for (const name of offers.slice(50)) verdicts.set(name, { verdict: 'busy' });
    const end = request(own);
    await clock.advance(5_000);
    expect(reviewed.filter((name) => name !== 'own')).not.toEqual([]);
    expect(end.outcome).toBeUndefined();
    attached.set('own', { takesMs: 50 });
    await clock.advance(6_000);
    expect(end.outcome).toMatchObject({ kind: 'token', identity: 'default/own' });
  });

  it('attack: does not end since another namespace takes its offer back whenever a token of it is requested', async () => {
    const { clock, cluster, attached, asked, request } = stage(offering(['offer']));
    const takeBack = () => {
      cluster.change(offering([]));
      void clock.sleep(1).then(() => cluster.change(offering(['offer'])));
    };
    attached.set('offer', { takesMs: 10, then: takeBack });
    const end = request(own, true);
    await clock.advance(10_000);
    expect(end.outcome).toBeUndefined();
    // Four at once, and one a second.
    expect(asked.filter((name) => name === 'offer').length).toBeLessThanOrEqual(4 + 11);
    attached.set('own', { takesMs: 50 });
    await clock.advance(6_000);
    expect(end.outcome).toMatchObject({ kind: 'token', identity: 'default/own' });
  });
});
