// What a request waited for is decided again before it leaves: bindings, rights, identities and the pod may have changed meanwhile.
import { createFakeClock } from '@pod-identity/kit/testing';
import { describe, expect, it } from 'vitest';
import {
  binding,
  clientIdOf,
  exception,
  identity,
  issuedTo,
  objectIdOf,
  openQueue,
  patient,
  pod as podOf,
  resourceIdOf,
  rules,
  viewOf,
  type World,
} from '../../test/builders.ts';
import type { AccessGuard } from '../access/guard.ts';
import type { AccessResult } from '../access/judge.ts';
import { createAuthorizer } from '../authorize/authorizer.ts';
import type { PodView } from '../identify/pod-view.ts';
import type { Selector, TokenRequest } from '../request/token-request.ts';
import type { Outcome } from '../respond/outcome.ts';
import { TokenError } from '../tokens/errors.ts';
import { createTokenSource } from '../tokens/source.ts';
import type { IssuedToken, TokenSubject } from '../tokens/types.ts';
import { createCallerLimits } from '../waiting/caller-limits.ts';
import { createGranter } from './grant.ts';
import { grantOnceRead } from './once-read.ts';

const reader = identity({ name: 'reader' });
const writer = identity({ name: 'writer' });
const bound: World = { identities: [reader, writer], bindings: [binding('reader')] };
const both: World = { ...bound, bindings: [binding('reader'), binding('writer')] };
const exempt: World = { exceptions: [exception({ aadpodidbinding: 'demo' })] };
const rbac = { namespaces: [{ name: 'default', labels: {}, access: 'rbac' as const }] };

/** A node whose metadata service answers after `takesMs`. */
const stage = (world: World) => {
  const clock = createFakeClock(1_000_000);
  const cluster = viewOf(world);
  const state = { takesMs: 12_000, isAllowed: false, asked: [] as TokenSubject[], isFailing: false };
  const pods = new Map([['default/web', podOf()]]);
  const access: AccessGuard = {
    now: (): AccessResult => (state.isAllowed ? { verdict: 'allowed' } : { verdict: 'denied', targets: [] }),
    review: async () => {
      await clock.sleep(10);
      return state.isAllowed ? { verdict: 'allowed' } : { verdict: 'denied', targets: [] };
    },
  };
  const nameOf = (subject: TokenSubject) =>
    subject.kind === 'identity' ? (subject.resourceId.split('/').at(-1) ?? '') : 'machine';
  const requestToken = async ({ subject }: { readonly subject: TokenSubject }): Promise<IssuedToken> => {
    state.asked.push(subject);
    if (state.isFailing) throw new TokenError('not-on-host', 'Identity not found');
    await clock.sleep(state.takesMs);
    return issuedTo(nameOf(subject), { now: clock.now() });
  };
  const latest = ({ key }: PodView) => pods.get(key);
  const granter = createGranter({
    authorizer: createAuthorizer(cluster.view, rules),
    latest,
    changes: cluster.changes,
    tokens: createTokenSource({
      upstream: { requestToken },
      clock,
      random: () => 0,
      queueFor: () => openQueue,
    }),
    limits: createCallerLimits({
      waiting: { total: 100, perNamespace: 100, perPod: 100 },
      upstreamBurst: 50,
      upstreamPerSecond: 10,
    }),
    access,
    clock,
    onWaited: () => undefined,
    bindingGraceMs: 0,
  });
  const request = (selector: Selector = { by: 'nothing' }, more: Partial<TokenRequest> = {}) => ({
    pod: pods.get('default/web') ?? podOf(),
    request: {
      resource: 'https://vault.azure.net',
      selector,
      bypassCache: false,
      passThrough: {},
      ...more,
    },
    patience: { deadline: clock.elapsed() + 25_000, caller: patient.caller },
  });
  const ended = (granted: Outcome | Promise<Outcome>) => {
    const end: { outcome?: Outcome } = {};
    void Promise.resolve(granted).then((outcome) => (end.outcome = outcome));
    return end;
  };
  return {
    clock,
    cluster,
    state,
    pods,
    latest,
    granter,
    request,
    ended,
    ask: (...asked: Parameters<typeof request>) => ended(granter.grant(request(...asked))),
  };
};
type Staged = ReturnType<typeof stage>;

const byObject = (name: string): Selector => ({ by: 'object-id', value: objectIdOf(name) });
const byClient = (name: string): Selector => ({ by: 'client-id', value: clientIdOf(name) });

interface Case {
  readonly what: string;
  readonly world: World;
  readonly selector?: Selector;
  readonly change: (node: Staged) => void;
  readonly outcome: object;
}
const denied = (why: string) => ({ kind: 'denied', denial: { why } });
const gone = { kind: 'unconfirmed', pod: 'default/web' };

it.each<Case>([
  {
    what: 'its binding is deleted',
    world: bound,
    change: ({ cluster }) => cluster.change({ ...bound, bindings: [] }),
    outcome: denied('no-binding'),
  },
  {
    what: 'its Namespace becomes rbac, and its ServiceAccount has no right',
    world: bound,
    change: ({ cluster }) => cluster.change({ ...bound, ...rbac }),
    outcome: denied('access-denied'),
  },
  {
    what: 'the binding of the identity with the object id is deleted',
    world: both,
    selector: byObject('reader'),
    change: ({ cluster }) => cluster.change({ ...both, bindings: [binding('writer')] }),
    outcome: denied('not-this-identity'),
  },
  {
    what: 'its exception is deleted',
    world: exempt,
    selector: byClient('machine'),
    change: ({ cluster }) => cluster.change({}),
    outcome: denied('no-binding'),
  },
  {
    what: 'its exception allows other client ids only',
    world: exempt,
    selector: byObject('machine'),
    change: ({ cluster }) =>
      cluster.change({ exceptions: [exception({ aadpodidbinding: 'demo' }, 'default', ['other'])] }),
    outcome: denied('not-this-identity'),
  },
  {
    what: 'the right of an exempt pod on the machine is needed and missing',
    world: exempt,
    selector: byClient('machine'),
    change: ({ cluster }) => cluster.change({ ...exempt, ...rbac }),
    outcome: denied('access-denied'),
  },
  {
    what: 'its AzureIdentity is deleted',
    world: bound,
    change: ({ cluster }) => cluster.change({ ...bound, identities: [] }),
    outcome: denied('identity-missing'),
  },
  {
    what: 'it has several identities now',
    world: bound,
    change: ({ cluster }) => cluster.change(both),
    outcome: denied('several-identities'),
  },
  {
    what: 'the pod is deleted',
    world: bound,
    change: ({ pods }) => pods.clear(),
    outcome: gone,
  },
  {
    what: 'the pod is replaced by another one of its name',
    world: bound,
    change: ({ pods }) => pods.set('default/web', podOf({ uid: 'another' })),
    outcome: gone,
  },
  {
    what: 'the pod has finished',
    world: bound,
    change: ({ pods }) => pods.set('default/web', podOf({ phase: 'Succeeded' })),
    outcome: gone,
  },
  {
    what: 'the label of the pod is removed',
    world: bound,
    change: ({ pods }) => pods.set('default/web', podOf({ labels: {} })),
    outcome: denied('no-label'),
  },
])('a token that was requested before does not leave if meanwhile $what', async (one) => {
  const node = stage(one.world);
  const end = node.ask(one.selector);
  await node.clock.advance(1_000);
  expect(node.state.asked).not.toEqual([]);
  one.change(node);
  await node.clock.advance(40_000);
  expect(end.outcome).toMatchObject(one.outcome);
});

describe('a token that was requested before', () => {
  it('leaves if what changed meanwhile allows it too', async () => {
    const node = stage(bound);
    const end = node.ask();
    node.state.isAllowed = true;
    node.cluster.change({ ...bound, bindings: [binding('reader', { name: 'another' })], ...rbac });
    node.pods.set('default/web', podOf({ labels: { aadpodidbinding: 'demo', app: 'web' } }));
    await node.clock.advance(12_010);
    expect(end.outcome).toMatchObject({ kind: 'token', identity: 'default/reader' });
    expect(node.state.asked).toHaveLength(1);
  });

  it('leaves for a pod that the watch does not know yet, also when it comes to know it', async () => {
    for (const arrives of [false, true]) {
      const node = stage(bound);
      const view = podOf();
      node.pods.clear();
      const end = node.ask();
      if (arrives) node.pods.set('default/web', { ...view });
      await node.clock.advance(12_000);
      expect(end.outcome).toMatchObject({ kind: 'token' });
    }
  });

  it('leaves by the labels that the API server has confirmed, while the watch has older ones', async () => {
    const node = stage(bound);
    const { pods, granter, request, ended } = node;
    const confirmed = request();
    pods.set('default/web', podOf({ labels: {} }));
    const end = ended(granter.grant(confirmed));
    await node.clock.advance(12_000);
    expect(end.outcome).toMatchObject({ kind: 'token' });
  });

  it('of one that is attached shortly before the deadline does not leave if its binding is deleted', async () => {
    const node = stage(bound);
    node.state.isFailing = true;
    const end = node.ask();
    await node.clock.advance(20_000);
    node.state.isFailing = false;
    const before = node.state.asked.length;
    await node.clock.advance(6_000);
    expect(node.state.asked).toHaveLength(before + 1);
    node.cluster.change({ ...bound, bindings: [] });
    await node.clock.advance(12_000);
    expect(end.outcome).toMatchObject(denied('no-binding'));
  });

  it('after the hold does not leave if its binding names another identity, and no token of that one is requested then', async () => {
    const node = stage(bound);
    node.state.isFailing = true;
    const end = node.ask();
    await node.clock.advance(20_000);
    node.state.isFailing = false;
    await node.clock.advance(6_000);
    const before = node.state.asked.length;
    node.cluster.change({ ...bound, bindings: [binding('writer')] });
    await node.clock.advance(40_000);
    expect(end.outcome).toEqual({ kind: 'rights-changed', pod: 'default/web' });
    expect(node.state.asked).toHaveLength(before);
  });

  it('for two pods leaves only for the one that may still use the identity', async () => {
    const shared = {
      ...bound,
      bindings: [binding('reader'), binding('reader', { name: 'b', selector: 'b' })],
    };
    const node = stage(shared);
    const other = podOf({
      uid: 'other',
      name: 'other',
      key: 'default/other',
      labels: { aadpodidbinding: 'b' },
    });
    node.pods.set(other.key, other);
    const [own, others] = [node.ask(), node.ended(node.granter.grant({ ...node.request(), pod: other }))];
    await node.clock.advance(1_000);
    expect(node.state.asked).toHaveLength(1);
    node.cluster.change({ ...bound, bindings: [binding('reader')] });
    await node.clock.advance(12_000);
    expect(own.outcome).toMatchObject({ kind: 'token', from: 'miss' });
    expect(others.outcome).toMatchObject(denied('no-binding'));
  });

  it('does not leave in its old form, while a new one is requested, if the right ended in that second', async () => {
    const node = stage(bound);
    node.ask();
    await node.clock.advance(12_000);
    await node.clock.advance(3_300_000);
    const end = node.ask();
    await node.clock.advance(500);
    node.cluster.change({ ...bound, bindings: [] });
    await node.clock.advance(500);
    expect(end.outcome).toMatchObject(denied('no-binding'));
  });

  it('that none from memory was wanted of does not leave either', async () => {
    const node = stage(bound);
    const end = node.ask({ by: 'nothing' }, { bypassCache: true });
    await node.clock.advance(1_000);
    node.cluster.change({ ...bound, bindings: [] });
    await node.clock.advance(12_000);
    expect(end.outcome).toMatchObject(denied('no-binding'));
  });
});

describe('an identity that changes while its token is requested', () => {
  const remade = (over: Parameters<typeof identity>[0]): World => ({
    ...bound,
    identities: [identity(over), writer],
  });

  it('of another resource: the token of the new one leaves', async () => {
    const node = stage(bound);
    const end = node.ask();
    await node.clock.advance(1_000);
    node.cluster.change(
      remade({ name: 'reader', resourceID: resourceIdOf('writer'), clientID: clientIdOf('writer') }),
    );
    await node.clock.advance(24_000);
    expect(end.outcome).toMatchObject({ kind: 'token', issued: { clientId: clientIdOf('writer') } });
  });

  it('of another client id: the mistake is told, and no token of the old one leaves', async () => {
    const node = stage(bound);
    const end = node.ask();
    await node.clock.advance(1_000);
    node.cluster.change(remade({ name: 'reader', clientID: clientIdOf('other') }));
    await node.clock.advance(24_000);
    expect(end.outcome).toMatchObject({ kind: 'token-failed', why: 'misconfigured' });
  });

  it('to and fro: three tokens are requested, and the pod is told to try again', async () => {
    const node = stage(bound);
    node.state.takesMs = 1_000;
    const end = node.ask({ by: 'nothing' }, { bypassCache: true });
    await node.clock.advance(500);
    for (let n = 0; n < 20; n += 1) {
      node.cluster.change({ ...bound, bindings: [binding(n % 2 === 0 ? 'writer' : 'reader')] });
      await node.clock.advance(1_000);
    }
    expect(end.outcome).toMatchObject({ kind: 'rights-changed', pod: 'default/web' });
    expect(node.state.asked).toHaveLength(3);
  });
});

describe('a request that waits for an identity which the machine does not have yet', () => {
  const boundTo = (name: string): World => ({ ...bound, bindings: [binding(name)] });
  const other = (flip: number) => (flip % 2 === 0 ? 'writer' : 'reader');

  it('follows its binding as often as that is changed, and gets its token with the identity that is bound in the end', async () => {
    const node = stage(bound);
    node.state.isFailing = true;
    const end = node.ask();
    for (let flip = 0; flip < 9; flip += 1) {
      await node.clock.advance(1_000);
      node.cluster.change(boundTo(other(flip)));
    }
    await node.clock.advance(1_000);
    expect(end.outcome).toBeUndefined();
    [node.state.isFailing, node.state.takesMs] = [false, 50];
    await node.clock.advance(6_000);
    expect(end.outcome).toMatchObject({ kind: 'token', identity: 'default/writer' });
  });

  it('attack: an editor who changes its binding all the time causes no more requests than the two identities alone', async () => {
    const node = stage(bound);
    node.state.isFailing = true;
    const end = node.ask();
    for (let flip = 0; flip < 500; flip += 1) {
      await node.clock.advance(50);
      node.cluster.change(boundTo(other(flip)));
    }
    await node.clock.advance(1_000);
    expect(end.outcome).toMatchObject({ kind: 'not-assigned', seen: 'unattached' });
    // After 1, 2 and 4 s, then every 5 s.
    expect(node.state.asked.length).toBeLessThanOrEqual(2 * 8);
  });
});

it.each<readonly [what: string, change: (pods: Map<string, PodView>) => void, outcome: object]>([
  ['is deleted', (pods) => pods.clear(), gone],
  ['is labelled otherwise', (pods) => pods.set('default/web', podOf({ labels: {} })), denied('no-label')],
])('a pod that %s while the objects of its namespace are read gets no token', async (_, change, outcome) => {
  const node = stage(bound);
  const read = Promise.withResolvers<boolean>();
  const granter = grantOnceRead(node.granter, { whenRead: () => read.promise, latest: node.latest });
  const end = node.ended(granter.grant(node.request()));
  change(node.pods);
  read.resolve(true);
  await node.clock.advance(20_000);
  expect(end.outcome).toMatchObject(outcome);
});
