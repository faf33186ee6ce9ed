import { describe, expect, it } from 'vitest';
import {
  authorize,
  binding,
  clientIdOf,
  exception,
  identity,
  objectIdOf,
  pod,
  resourceIdOf,
  rules,
  viewOf,
  type World,
} from '../../test/builders.ts';
import type { PodView } from '../identify/pod-view.ts';
import type { Selector } from '../request/token-request.ts';
import { identitiesOf, deciderFor } from './authorize.ts';
import type { AuthorizeRules, Decision } from './types.ts';

const reader = identity({ name: 'reader' });
const writer = identity({ name: 'writer' });
const both: World = { identities: [reader, writer], bindings: [binding('reader'), binding('writer')] };
const nothing: Selector = { by: 'nothing' };
const byClient = (name: string): Selector => ({ by: 'client-id', value: clientIdOf(name) });
const byResource = (name: string): Selector => ({
  by: 'resource-id',
  value: resourceIdOf(name).toLowerCase(),
});

interface Case {
  readonly world: World;
  readonly selector?: Selector;
  readonly pod?: Partial<PodView>;
  readonly rules?: AuthorizeRules;
}
const decide = (given: Case) =>
  authorize(
    { pod: pod(given.pod), selector: given.selector ?? nothing },
    viewOf(given.world).view,
    given.rules ?? rules,
  );

const short = (decision: Decision): string => {
  switch (decision.kind) {
    case 'allow':
      return `allow ${decision.identity.name}`;
    case 'allow-by-object-id':
      return `one of ${decision.identities.map(({ name }) => name).join(' ')}`;
    case 'deny':
      return decision.denial.why;
    case 'machine':
      return 'exempt';
    case 'unusable':
      return 'unusable';
  }
};

describe('the identity of a request', () => {
  it.each<[string, Case, string]>([
    ['a client id', { world: both, selector: byClient('reader') }, 'allow default/reader'],
    ['a resource id', { world: both, selector: byResource('writer') }, 'allow default/writer'],
    [
      'an identity with its resource id in other case',
      {
        world: {
          identities: [identity({ name: 'reader', resourceID: resourceIdOf('reader').toUpperCase() })],
          bindings: [binding('reader')],
        },
        selector: byResource('reader'),
      },
      'allow default/reader',
    ],
    [
      'a client id that equals the resource id of another',
      { world: both, selector: { by: 'client-id', value: resourceIdOf('writer') } },
      'not-this-identity',
    ],
    [
      'a resource id that equals the client id of another',
      { world: both, selector: { by: 'resource-id', value: clientIdOf('writer') } },
      'not-this-identity',
    ],
    ['item 10: an identity and no right', { world: { identities: [reader] } }, 'no-binding'],
    [
      'no selector, one identity',
      {
        world: { identities: [reader], bindings: [binding('reader')] },
      },
      'allow default/reader',
    ],
    ['item 21: no selector, several identities', { world: both }, 'several-identities'],
    ['item 21: a default', { world: both, pod: { defaultIdentity: 'writer' } }, 'allow default/writer'],
    [
      'item 21: a default by full name',
      { world: both, pod: { defaultIdentity: 'default/writer' } },
      'allow default/writer',
    ],
    [
      'item 21: a default that is none of the pod',
      { world: both, pod: { defaultIdentity: 'other' } },
      'several-identities',
    ],
    [
      'one client id on two resources',
      {
        world: {
          identities: [reader, identity({ name: 'twin', clientID: clientIdOf('reader') })],
          bindings: [binding('reader'), binding('twin')],
        },
        selector: byClient('reader'),
      },
      'several-identities',
    ],
    [
      'an object id',
      {
        world: both,
        selector: { by: 'object-id', value: objectIdOf('writer') },
      },
      'one of default/reader default/writer',
    ],
    [
      'item 21: a default that a binding marks',
      {
        world: {
          ...both,
          bindings: [binding('reader'), binding('writer', { isDefault: true })],
        },
      },
      'allow default/writer',
    ],
    [
      'the default of the pod before that of a binding',
      {
        world: { ...both, bindings: [binding('reader'), binding('writer', { isDefault: true })] },
        pod: { defaultIdentity: 'reader' },
      },
      'allow default/reader',
    ],
    [
      'two bindings that both mark a default',
      {
        world: {
          ...both,
          bindings: [binding('reader', { isDefault: true }), binding('writer', { isDefault: true })],
        },
      },
      'several-identities',
    ],
  ])('C61 decides on %s', (_, given, expected) => {
    expect(short(decide(given))).toBe(expected);
  });
});

describe('refusals', () => {
  const bound: World = { identities: [reader], bindings: [binding('reader')] };
  it.each<[string, Case, string]>([
    ['a pod without label', { world: bound, pod: { labels: {} } }, 'no-label'],
    [
      'W-C18 a pod with an empty label',
      {
        world: { ...bound, bindings: [binding('reader', { selector: '' })] },
        pod: { labels: { aadpodidbinding: '' } },
      },
      'empty-label',
    ],
    [
      'a label that no binding selects',
      { world: bound, pod: { labels: { aadpodidbinding: 'x' } } },
      'no-binding',
    ],
    ['a binding to nothing', { world: { bindings: [binding('reader')] } }, 'identity-missing'],
    [
      'a namespaced identity of another namespace',
      {
        world: {
          identities: [identity({ name: 'reader', isNamespaced: true })],
          bindings: [binding('reader')],
        },
        pod: { namespace: 'shop' },
      },
      'other-namespace',
    ],
    [
      'another namespace when all is namespaced',
      { world: bound, pod: { namespace: 'shop' }, rules: { ...rules, forceNamespaced: true } },
      'other-namespace',
    ],
    ['a client id of somebody else', { world: bound, selector: byClient('writer') }, 'not-this-identity'],
  ])('has a reason for %s', (_, given, expected) => {
    expect(short(decide(given))).toBe(expected);
  });

  it('lists the client ids that the pod may ask for, sorted, and no others', () => {
    const world = {
      ...both,
      identities: [...(both.identities ?? []), identity({ name: 'foreign', namespace: 'shop' })],
    };
    expect(decide({ world })).toMatchObject({
      denial: { offered: [clientIdOf('reader'), clientIdOf('writer')] },
    });
  });

  it('lets pods of other namespaces use an identity that is not namespaced, as the original does', () => {
    expect(short(decide({ world: bound, pod: { namespace: 'shop' } }))).toBe('allow default/reader');
  });
});

describe('service principals', () => {
  const password = { name: 'credentials', namespace: 'default' };
  const principal = (spec: object, type: 1 | 2 = 1): Case => ({
    world: {
      identities: [
        identity({ name: 'app', type, spec: { tenantID: 'T1', clientPassword: password, ...spec } }),
      ],
      bindings: [binding('app')],
    },
  });

  it('are allowed at once: no host has to carry them', () => {
    expect(decide(principal({}))).toEqual({
      kind: 'allow',
      identity: {
        kind: 'service-principal',
        name: 'default/app',
        clientId: clientIdOf('app'),
        tenantId: 'T1',
        auxiliaryTenantIds: [],
        authority: 'https://login.microsoftonline.com',
        credential: 'secret',
        secret: password,
      },
    });
  });

  it.each([
    ['a certificate', principal({}, 2), { credential: 'certificate' }],
    [
      'a secret reference without a namespace',
      principal({ clientPassword: { name: 'credentials' } }),
      { secret: password },
    ],
    [
      'three auxiliary tenants',
      principal({ auxiliaryTenantIDs: ['t2', 'T3', 't4'] }),
      { auxiliaryTenantIds: ['t2', 'T3', 't4'] },
    ],
    [
      'a sovereign cloud’s login endpoint',
      principal({ adEndpoint: 'https://LOGIN.microsoftonline.us/' }),
      { authority: 'https://login.microsoftonline.us' },
    ],
  ])('have %s', (_, given, expected) => {
    expect(decide(given)).toMatchObject({ kind: 'allow', identity: expected });
  });

  it.each([
    [
      'W-S1 a secret of another namespace',
      { clientPassword: { name: 'credentials', namespace: 'kube-system' } },
      /move the Secret to namespace default/,
    ],
    // A proxy before the API server may decode and resolve it, and NMI may read Secrets of other namespaces.
    [
      'a secret whose name leads to another namespace',
      { clientPassword: { name: '../../shop/secrets/credentials' } },
      /names no Secret/,
    ],
    ['a secret whose name leads to its folder', { clientPassword: { name: '..' } }, /names no Secret/],
    ['a secret whose name is no text', { clientPassword: { name: '\ud800' } }, /names no Secret/],
    [
      'W-S1 a login endpoint that nobody allowed',
      { adEndpoint: 'https://login.evil.example/' },
      /login\.evil\.example.*--authority-allow/,
    ],
    [
      'an allowed host on another port',
      { adEndpoint: 'https://login.microsoftonline.com:8443/' },
      /--authority-allow/,
    ],
    ['an allowed host without TLS', { adEndpoint: 'http://login.microsoftonline.com/' }, /no https address/],
    [
      'a user name that looks like an allowed host',
      { adEndpoint: 'https://login.microsoftonline.com@evil.example/' },
      /no https address/,
    ],
    ['an endpoint that is no address', { adEndpoint: 'login.microsoftonline.com' }, /no https address/],
    ['a tenant that leads to another path', { tenantID: '../evil' }, /neither the id nor a domain/],
    [
      'an auxiliary tenant that leads to another path',
      { auxiliaryTenantIDs: ['a/b'] },
      /neither the id nor a domain/,
    ],
    ['four auxiliary tenants', { auxiliaryTenantIDs: ['a', 'b', 'c', 'd'] }, /more than three/],
    ['no tenant', { tenantID: '' }, /needs spec\.clientID, spec\.tenantID and spec\.clientPassword/],
    ['no client id', { clientID: '' }, /needs spec\.clientID, spec\.tenantID and spec\.clientPassword/],
    [
      'no secret',
      { clientPassword: undefined },
      /needs spec\.clientID, spec\.tenantID and spec\.clientPassword/,
    ],
  ])('are not served with %s', (_, spec, fault) => {
    expect(decide(principal(spec))).toEqual({
      kind: 'unusable',
      identity: 'default/app',
      fault: expect.stringMatching(fault) as string,
    });
  });

  it('are not served when no login endpoint is allowed at all', () => {
    const decision = decide({ ...principal({}), rules: { ...rules, authorities: new Set() } });
    expect(decision).toMatchObject({ kind: 'unusable', fault: /--authority-allow/ });
  });
});

describe('with --forceNamespaced, as in managed mode', () => {
  it.each<[string, Case, string]>([
    ['no identity', { world: {} }, 'no-binding'],
    [
      'a client id that is a resource id',
      { world: both, selector: { by: 'client-id', value: resourceIdOf('reader') } },
      'not-this-identity',
    ],
    [
      'a resource id that is a client id',
      { world: both, selector: { by: 'resource-id', value: clientIdOf('reader') } },
      'not-this-identity',
    ],
    ['a client id', { world: both, selector: byClient('writer') }, 'allow default/writer'],
    ['a resource id', { world: both, selector: byResource('reader') }, 'allow default/reader'],
    [
      'no selector and one identity',
      { world: { identities: [reader], bindings: [binding('reader')] } },
      'allow default/reader',
    ],
    ['no selector and several: a list instead of the first', { world: both }, 'several-identities'],
  ])('C62 decides on %s', (_, given, expected) => {
    expect(short(decide({ ...given, rules: { ...rules, forceNamespaced: true } }))).toBe(expected);
  });
});

describe('C10 exceptions', () => {
  it.each<[string, Case, string]>([
    [
      'E18 a pod with the label',
      { world: { exceptions: [exception({ app: 'cni' })] }, pod: { labels: { app: 'cni' } } },
      'exempt',
    ],
    [
      'the value in other case',
      { world: { exceptions: [exception({ app: 'CNI' })] }, pod: { labels: { app: 'cni' } } },
      'exempt',
    ],
    [
      'one of several labels',
      { world: { exceptions: [exception({ app: 'cni', tier: 'x' })] }, pod: { labels: { tier: 'x' } } },
      'exempt',
    ],
    [
      'the second of two exceptions',
      {
        world: { exceptions: [exception({ app: 'web' }), exception({ app: 'cni' })] },
        pod: { labels: { app: 'cni' } },
      },
      'exempt',
    ],
    [
      'another value',
      { world: { exceptions: [exception({ app: 'cni' })] }, pod: { labels: { app: 'web' } } },
      'no-label',
    ],
    [
      'the key in other case',
      { world: { exceptions: [exception({ App: 'cni' })] }, pod: { labels: { app: 'cni' } } },
      'no-label',
    ],
    [
      'a label that every object inherits',
      { world: { exceptions: [exception({ toString: 'x' })] }, pod: { labels: {} } },
      'no-label',
    ],
    [
      'an exception of another namespace',
      { world: { exceptions: [exception({ app: 'cni' }, 'shop')] }, pod: { labels: { app: 'cni' } } },
      'no-label',
    ],
    [
      'W-S5 a pod that is only called like MIC',
      { world: {}, pod: { name: 'mic-1', serviceAccount: 'mic', labels: {} } },
      'no-label',
    ],
  ])('knows %s', (_, given, expected) => {
    expect(short(decide(given))).toBe(expected);
  });

  it.each<[string, Case]>([
    ['no label', { world: {}, pod: { labels: { app: 'cni' } } }],
    ['no binding', { world: {} }],
    [
      'an identity that its exceptions do not list',
      {
        world: { exceptions: [exception({ aadpodidbinding: 'demo' }, 'default', ['a'])] },
        selector: { by: 'client-id', value: 'b' },
      },
    ],
  ])('a pod that is refused for %s is told of one that is not valid', (_, { world, ...given }) => {
    const invalidException = { namespace: 'default', name: 'broken', fault: 'spec.clientIDs must be' };
    const decided = decide({ ...given, world: { ...world, invalidExceptions: [invalidException] } });
    expect(decided).toMatchObject({ kind: 'deny', denial: { invalidException } });
  });

  it('exceptions that are not valid are read once for all selectors, since a pod can request any number of ids', () => {
    const { view } = viewOf({});
    let reads = 0;
    const counting = { ...view, invalidExceptionsIn: () => ((reads += 1), []) };
    const decideOn = deciderFor(pod(), counting, rules);
    for (const value of ['a', 'b', 'c']) decideOn({ by: 'client-id', value });
    expect(reads).toBe(1);
  });

  const freeing = (...lists: (readonly string[] | undefined)[]): Case => ({
    world: { exceptions: lists.map((list) => exception({ app: 'cni' }, 'default', list)) },
    pod: { labels: { app: 'cni' } },
  });
  const pass = (selector: Selector, ids: readonly string[] | undefined) => ({
    kind: 'machine',
    selector,
    clientIds: ids && new Set(ids),
  });

  it.each<[string, Case, object]>([
    ['no list, no selector', freeing(undefined), pass(nothing, undefined)],
    ['one client id, no selector: that one', freeing(['A']), pass({ by: 'client-id', value: 'a' }, ['a'])],
    [
      'one of two client ids',
      { ...freeing(['a'], ['b']), selector: { by: 'client-id', value: 'b' } },
      pass({ by: 'client-id', value: 'b' }, ['a', 'b']),
    ],
    [
      'a resource id: the token tells whose it is',
      { ...freeing(['a']), selector: byResource('x') },
      pass(byResource('x'), ['a']),
    ],
    [
      'a list beside an exception without one',
      { ...freeing(['a'], undefined), selector: { by: 'client-id', value: 'z' } },
      pass({ by: 'client-id', value: 'z' }, undefined),
    ],
  ])('with %s lets the pod through', (_, given, expected) => {
    expect(decide(given)).toEqual(expected);
  });

  it.each<[string, Case, object]>([
    [
      'another client id than the listed ones',
      { ...freeing(['b', 'a']), selector: { by: 'client-id', value: 'c' } },
      { why: 'not-this-identity', offered: ['a', 'b'] },
    ],
    [
      'several listed ones and no selector',
      freeing(['b', 'a']),
      { why: 'several-identities', offered: ['a', 'b'] },
    ],
    ['an empty list', freeing([]), { why: 'not-this-identity', offered: [] }],
  ])('refuse %s', (_, given, denial) => {
    expect(decide(given)).toEqual({ kind: 'deny', denial });
  });
});

it('an identity whose spec is invalid does not come', () => {
  const fault = 'spec.resourceID is empty';
  const world: World = { bindings: [binding('reader')], faults: { 'default/reader': fault } };
  const decision = decide({ world });
  expect(decision).toMatchObject({ kind: 'deny', denial: { why: 'identity-invalid', fault } });
  expect(decision).not.toHaveProperty('mayCome');
});

it('all refusals of one pod share one list of what it may ask for', () => {
  const decideOn = deciderFor(pod(), viewOf(both).view, rules);
  const offeredFor = (value: string) => {
    const decision = decideOn({ by: 'client-id', value });
    return decision.kind === 'deny' && 'offered' in decision.denial ? decision.denial.offered : undefined;
  };
  const first = offeredFor('one');
  expect(first).toHaveLength(2);
  expect(offeredFor('another')).toBe(first);
});

describe('a refusal that may pass', () => {
  const elsewhere: World = {
    identities: [identity({ name: 'reader', namespace: 'shop', isNamespaced: true })],
    bindings: [binding('reader', { namespace: 'shop' })],
  };
  it.each<[string, Case, boolean]>([
    ['identity-missing', { world: { bindings: [binding('reader')] } }, true],
    ['not-this-identity', { world: both, selector: { by: 'client-id', value: 'x' } }, true],
    ['several-identities', { world: both }, false],
    ['no-account', { world: both, pod: { serviceAccount: '' } }, false],
    ['pod-too-large', { world: both, pod: { tooLarge: 'metadata.labels' } }, false],
    ['no-label', { world: both, pod: { labels: {} } }, false],
    ['empty-label', { world: both, pod: { labels: { aadpodidbinding: '' } } }, false],
    [
      'not-this-identity',
      {
        world: { ...both, exceptions: [exception({ aadpodidbinding: 'demo' }, 'default', ['a'])] },
        selector: { by: 'client-id', value: 'x' },
      },
      false,
    ],
  ])('is one of a missing object: %s', (why, given, mayCome) => {
    const decision = decide(given);
    expect(decision).toMatchObject({ kind: 'deny', denial: { why } });
    expect('mayCome' in decision).toBe(mayCome);
  });

  it('says no more than there is to say', () => {
    expect(decide({ world: elsewhere })).toStrictEqual({
      kind: 'deny',
      denial: { why: 'other-namespace' },
      mayCome: true,
    });
  });
});

it('a pod that is served is told of no exception that is not valid', () => {
  const invalidExceptions = [{ namespace: 'default', name: 'broken', fault: 'spec.clientIDs must be' }];
  const world = { identities: [reader], bindings: [binding('reader')], invalidExceptions };
  expect(decide({ world })).toStrictEqual(decide({ world: { ...world, invalidExceptions: [] } }));
});

it('in mode rbac an exempt pod without the right on the machine has the identities of its bindings', () => {
  const world = { ...both, exceptions: [exception({ aadpodidbinding: 'demo' })] };
  const names = (by: AuthorizeRules) => identitiesOf(pod(), viewOf(world).view, by).map(({ name }) => name);
  expect(names(rules)).toEqual([]);
  expect(names({ ...rules, identityAccess: 'warn' })).toEqual([]);
  expect(names({ ...rules, identityAccess: 'rbac' })).toEqual(['default/reader', 'default/writer']);
});

it('a Secret has a name of 1 to 253 characters that begins and ends with a letter or digit', () => {
  const longest = 'a'.repeat(253);
  const isServed = (name: string) => {
    const app = identity({ name: 'app', type: 1, spec: { tenantID: 't1', clientPassword: { name } } });
    return decide({ world: { identities: [app], bindings: [binding('app')] } }).kind === 'allow';
  };
  const names = ['a', 'a.b-c', longest, `${longest}a`, 'a/', 'a/b', '.a', 'a.'];
  expect(names.filter(isServed)).toEqual(names.slice(0, 3));
});
