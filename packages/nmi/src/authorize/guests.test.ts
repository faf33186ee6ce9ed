// What counts for a pod with identities of its own and of other namespaces, when some of them are refused or cannot be served.
import { expect, it } from 'vitest';
import { binding, clientIdOf, identity, pod, rules, viewOf, type World } from '../../test/builders.ts';
import type { Selector } from '../request/token-request.ts';
import { identitiesOf, deciderFor } from './authorize.ts';
import type { AuthorizeRules, Decision } from './types.ts';

const rbac: AuthorizeRules = { ...rules, forceNamespaced: true, identityAccess: 'rbac' };
const open: AuthorizeRules = { ...rules, identityAccess: 'namespace', forceNamespaced: false };
const nothing: Selector = { by: 'nothing' };
const client = (name: string): Selector => ({ by: 'client-id', value: clientIdOf(name) });
const allowedNamespaces = { names: ['default'] };

/** Those of namespace `data` are guests. */
const worldOf = (
  hosts: readonly string[],
  guests: readonly string[],
  unusable: readonly string[] = [],
): World => {
  const spec = (name: string) => (unusable.includes(name) ? { type: 1 as const } : {});
  return {
    identities: [
      ...hosts.map((name) => identity({ name, ...spec(name) })),
      ...guests.map((name) =>
        identity({ name, namespace: 'data', ...spec(name), spec: { allowedNamespaces } }),
      ),
    ],
    bindings: [
      ...hosts.map((name) => binding(name)),
      ...guests.map((name) => binding(name, { namespace: 'data' })),
    ],
    namespaces: [
      {
        name: 'default',
        labels: { 'identities-from.aadpodidentity.k8s.io/data': 'true' },
        access: undefined,
      },
    ],
  };
};
interface Asked {
  readonly selector?: Selector;
  readonly refused?: readonly string[];
  readonly by?: AuthorizeRules;
}
const decide = (world: World, { selector = nothing, refused = [], by = rbac }: Asked = {}): Decision =>
  deciderFor(pod(), viewOf(world).view, by)(selector, new Set(refused));

it('no guest replaces an identity of the namespace that is refused, also when it is named', () => {
  const world = worldOf(['own', 'second'], ['guest']);
  const refused = ['default/own'];
  expect(decide(world, { refused })).toMatchObject({ kind: 'allow', identity: { name: 'default/second' } });
  expect(decide(world, { refused, selector: client('guest') })).toMatchObject({
    denial: { why: 'not-this-identity', offered: [clientIdOf('second')] },
  });
  expect(decide(world, { selector: client('guest') })).toMatchObject({ identity: { name: 'data/guest' } });
});

it('a pod whose guests are all refused is told that nothing is bound, since a binding of its own may come', () => {
  const refused = ['data/a', 'data/b'];
  expect(decide(worldOf([], ['a', 'b']), { refused })).toStrictEqual({
    kind: 'deny',
    denial: { why: 'no-binding', label: 'demo' },
    mayCome: true,
  });
  expect(decide(worldOf(['own'], ['a']), { refused: ['default/own', 'data/a'] })).toMatchObject({
    denial: { why: 'several-identities', offered: [] },
  });
});

it('a pod with several guests alone may still get a binding of its own; one with several of its own must name one', () => {
  expect(decide(worldOf([], ['a', 'b']))).toMatchObject({
    denial: { why: 'several-identities' },
    mayCome: true,
  });
  for (const guests of [[], ['a']]) {
    const decision = decide(worldOf(['x', 'y'], guests));
    expect(decision).toMatchObject({ kind: 'deny', denial: { why: 'several-identities' } });
    expect('mayCome' in decision).toBe(false);
  }
});

it('a guest that cannot be served makes a request ambiguous in mode namespace, and not in mode rbac', () => {
  const world = worldOf([], ['a', 'b'], ['b']);
  expect(decide(world)).toMatchObject({ kind: 'allow', identity: { name: 'data/a' } });
  expect(decide(world, { by: open })).toMatchObject({ denial: { why: 'several-identities' } });
});

const among = (decision: Decision) =>
  decision.kind === 'deny' ? decision.among?.map(({ name }) => name) : undefined;
const many = (count: number) =>
  Array.from({ length: count }, (_, index) => `i${String(index).padStart(2, '0')}`);

it.each<[string, World, number | undefined]>([
  ['sixteen of its own', worldOf(many(16), []), 16],
  ['seventeen of its own', worldOf(many(17), []), undefined],
  ['seventeen guests', worldOf([], many(17)), 16],
  ['three of its own, of which one cannot be served', worldOf(many(3), [], ['i01']), 2],
])('of a pod with %s the rights on %s are reviewed', (_, world, count) => {
  expect(among(decide(world))?.length).toBe(count);
  expect(among(decide(world, { by: { ...rbac, identityAccess: 'namespace' } }))).toBeUndefined();
});

it('an identity that cannot be served is that in every mode', () => {
  const elsewhere = identity({
    name: 'app',
    type: 1,
    spec: { tenantID: 't1', clientPassword: { name: 'credentials', namespace: 'shop' } },
  });
  const world = { identities: [elsewhere], bindings: [binding('app')] };
  for (const by of [rbac, open, { ...rbac, identityAccess: 'warn' as const }]) {
    expect(decide(world, { by })).toMatchObject({ kind: 'unusable', identity: 'default/app' });
    expect(identitiesOf(pod(), viewOf(world).view, by)).toEqual([]);
  }
});
