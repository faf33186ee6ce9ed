import { createFakeClock } from '@pod-identity/kit/testing';
import { expect, it } from 'vitest';
import { issuedTo, subjectOf } from '../../test/builders.ts';
import { createTokenMemory, keyOf, type Entry } from './memory.ts';
import type { FederatedIdentity, ServicePrincipal } from './types.ts';

const application: ServicePrincipal = {
  kind: 'service-principal',
  name: 'shop/app',
  clientId: 'app',
  tenantId: 'home',
  auxiliaryTenantIds: ['aux'],
  authority: 'https://login.example',
  credential: 'secret',
  secret: { namespace: 'shop', name: 'app' },
};

it.each<[string, Partial<ServicePrincipal>]>([
  ['client id', { clientId: 'other' }],
  ['tenant', { tenantId: 'other' }],
  ['auxiliary tenants', { auxiliaryTenantIds: [] }],
  ['login endpoint', { authority: 'https://other.example' }],
  ['kind of credential', { credential: 'certificate' }],
  ['Secret', { secret: { namespace: 'shop', name: 'other' } }],
  ['namespace of the Secret', { secret: { namespace: 'other', name: 'app' } }],
])('an application with another %s gets tokens of its own', (_, over) => {
  expect(keyOf({ ...application, ...over })).not.toBe(keyOf(application));
});

const federated: FederatedIdentity = {
  kind: 'federated',
  name: 'shop/app',
  clientId: 'app',
  tenantId: 'home',
  pod: { namespace: 'shop', name: 'web', uid: 'uid-web' },
};

it.each<[string, Partial<FederatedIdentity>]>([
  ['pod of the same name', { pod: { namespace: 'shop', name: 'web', uid: 'uid-again' } }],
  ['client id', { clientId: 'other' }],
  ['tenant', { tenantId: 'other' }],
])('attack: a federated identity of another %s gets tokens of its own', (_, over) => {
  expect(keyOf({ ...federated, ...over })).not.toBe(keyOf(federated));
  expect(keyOf({ ...federated, name: 'shop/again' })).toBe(keyOf(federated));
});

it('two objects that describe one application share its tokens', () => {
  expect(keyOf({ ...application, name: 'shop/again' })).toBe(keyOf(application));
});

it.each([
  { kind: 'machine', by: 'client-id', value: 'a' },
  { kind: 'machine', by: 'object-id', value: 'a' },
] as const)('what the machine makes of %j is not what it makes of nothing', (subject) => {
  expect(keyOf(subject)).not.toBe(keyOf({ kind: 'machine', by: 'nothing' }));
});

it('what the machine makes of one selector is not what it makes of another', () => {
  const all = (['client-id', 'object-id', 'resource-id'] as const).flatMap((by) =>
    ['a', 'b'].map((value) => keyOf({ kind: 'machine', by, value })),
  );
  expect(new Set(all).size).toBe(6);
});

const stage = (kept = 4, perNamespace = kept) => {
  const clock = createFakeClock();
  const memory = createTokenMemory({ perNamespace, total: kept }, clock);
  const wanted = (name: string) => ({ subject: subjectOf(name), resource: 'r' });
  /** Stores a token; the namespace that it is stored for is noted, and looks for it again without taking places of another one. */
  const owners = new Map<string, string>();
  const store = (name: string, over: Partial<Entry> & { expiresInMs?: number; namespace?: string } = {}) => {
    const { namespace = 'shop', expiresInMs = 60_000, issued } = over;
    owners.set(name, namespace);
    memory.store(wanted(name), namespace, {
      issued: issued ?? issuedTo(name, { now: clock.now(), expiresInMs }),
      storedAt: clock.now(),
      age: { refreshAt: 0, freshUntil: 0 },
    });
  };
  const known = (...names: readonly string[]) =>
    names.filter((name) => memory.recall(wanted(name), owners.get(name) ?? 'shop') !== undefined);
  return { clock, memory, wanted, store, known };
};

it('a token is forgotten at the end of its life, and one that came over it at its own', async () => {
  const { clock, store, known } = stage();
  store('a', { expiresInMs: 1_000 });
  await clock.advance(500);
  store('a', { expiresInMs: 1_000 });
  await clock.advance(999);
  expect(known('a')).toEqual(['a']);
  await clock.advance(1);
  expect(known('a')).toEqual([]);
});

it('when there are too many, the namespace with most of them loses its oldest', () => {
  const { store, known } = stage();
  store('mine', { namespace: 'other' });
  for (const name of ['a', 'b', 'c', 'd', 'e']) store(name);
  expect(known('mine', 'a', 'b', 'c', 'd', 'e')).toEqual(['mine', 'c', 'd', 'e']);
});

it('a namespace that has too many loses its oldest, though there is room', () => {
  const { store, known } = stage(4, 2);
  for (const name of ['a', 'b', 'c']) store(name);
  expect(known('a', 'b', 'c')).toEqual(['b', 'c']);
});

it('a token that is stored anew takes the place of its old one, and no other’s', () => {
  const { store, known } = stage(2);
  store('a');
  store('b');
  store('a');
  expect(known('a', 'b')).toEqual(['a', 'b']);
  store('c');
  expect(known('a', 'b', 'c')).toEqual(['a', 'c']);
});

it('attack: a token with thousands of roles takes as many places as ordinary ones of its length', () => {
  const { clock, store, known } = stage(8);
  const large = (name: string) => issuedTo(name, { now: clock.now(), token: 'x'.repeat(5 * 4096) });
  store('mine', { namespace: 'other' });
  store('a');
  store('b', { issued: large('b') });
  expect(known('mine', 'a', 'b')).toEqual(['mine', 'a', 'b']);
  store('c', { issued: large('c') });
  expect(known('mine', 'a', 'b', 'c')).toEqual(['mine', 'c']);
  const { access } = large('d');
  store('d', { issued: { ...issuedTo('d'), auxiliary: [{ tenantId: 't', access }] } });
  expect(known('mine', 'c', 'd')).toEqual(['mine', 'd']);
});

it('what is forgotten takes no place, in whatever namespace', () => {
  const { memory, store, known } = stage(2);
  store('a');
  store('b');
  memory.prune((subject) => keyOf(subject) !== keyOf(subjectOf('a')));
  store('c');
  expect(known('a', 'b', 'c')).toEqual(['b', 'c']);
  memory.prune(({ kind }) => kind !== 'identity');
  expect(known('b', 'c')).toEqual([]);
  store('d');
  store('e');
  expect(known('d', 'e')).toEqual(['d', 'e']);
});

it('attack: a token that another namespace uses, or renews, stays the token of those that used it before', () => {
  const { memory, wanted, store, known } = stage(4);
  store('mine', { namespace: 'other' });
  store('shared', { namespace: 'hostile' });
  memory.recall(wanted('shared'), 'victim');
  store('shared', { namespace: 'hostile' });
  for (const name of ['a', 'b', 'c']) store(name, { namespace: 'hostile' });
  expect(memory.recall(wanted('shared'), 'victim')).toBeDefined();
  expect(known('mine', 'a', 'b', 'c')).toEqual(['mine', 'b', 'c']);
});

it('a token that many namespaces use takes a place of each of them, and goes when none of them has it', () => {
  const { memory, wanted, store } = stage(3);
  store('shared', { namespace: 'a' });
  for (const namespace of ['b', 'c', 'b', 'c']) memory.recall(wanted('shared'), namespace);
  store('shared', { namespace: 'c' });
  for (let n = 0; n < 3; n += 1) store(`next-${n}`, { namespace: 'a' });
  expect(memory.recall(wanted('shared'), 'b')).toBeDefined();
  memory.prune(() => false);
  for (let n = 0; n < 3; n += 1) store(`next-${n}`, { namespace: 'a' });
  for (let n = 0; n < 3; n += 1) expect(memory.recall(wanted(`next-${n}`), 'a')).toBeDefined();
});

it('attack: tokens of any length stay within the places, and one that is larger than all of them is not kept', () => {
  const { store, known } = stage(8);
  store('large', { issued: issuedTo('large', { token: 'x'.repeat(9 * 4096), expiresInMs: 60_000 }) });
  expect(known('large')).toEqual([]);
});
