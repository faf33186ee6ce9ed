import { expect, it } from 'vitest';
import { subjectOf } from '../../test/builders.ts';
import type { ServicePrincipal } from '../tokens/types.ts';
import { keyOf } from '../tokens/memory.ts';
import { createHolders } from './holders.ts';

const stage = (kept?: number) => {
  const released: string[] = [];
  const holders = createHolders(({ key }) => released.push(key.split('/').at(-1) ?? ''), kept);
  const hold = (name: string, pod: string, namespace = 'shop') =>
    holders.hold(subjectOf(name), { namespace, pod });
  const drop = (pod: string, ...names: readonly string[]) => {
    const holder = holders.of(pod);
    const keys = names.map((name) => keyOf(subjectOf(name)));
    if (holder) holders.keep(holder, ({ key }) => !keys.includes(key));
  };
  return { holders, released, hold, drop };
};

const application = (name: string, secret: string): ServicePrincipal => ({
  kind: 'service-principal',
  name: `shop/${name}`,
  clientId: name,
  tenantId: 'home',
  auxiliaryTenantIds: [],
  authority: 'https://login.example',
  credential: 'secret',
  secret: { namespace: 'shop', name: secret },
});

it('what several pods hold is released with the last of them', () => {
  const { holders, released, hold, drop } = stage();
  hold('reader', 'a');
  hold('reader', 'b');
  hold('writer', 'a');
  drop('a', 'reader', 'writer');
  expect([released, holders.holds(subjectOf('reader')), holders.of('a')]).toEqual([
    ['writer'],
    true,
    undefined,
  ]);
  drop('b', 'reader');
  expect([released, [...holders.namespaces()]]).toEqual([['writer', 'reader'], []]);
});

it('only what is new is told', () => {
  const { hold } = stage();
  expect([hold('reader', 'a')?.tenant.pod, hold('reader', 'a'), hold('reader', 'b')?.tenant.pod]).toEqual([
    'a',
    undefined,
    'b',
  ]);
});

it('a Secret is held as long as one application that needs it is', () => {
  const { holders } = stage();
  const secret = { namespace: 'shop', name: 'both' };
  for (const pod of ['a', 'b']) holders.hold(application(pod, 'both'), { namespace: 'shop', pod });
  for (const [pod, isHeld] of [
    ['a', true],
    ['b', false],
  ] as const) {
    const holder = holders.of(pod);
    if (holder) holders.keep(holder, () => false);
    expect(holders.holdsSecret(secret)).toBe(isHeld);
  }
});

it('attack: a namespace that holds very much loses its own oldest, and others lose nothing', () => {
  const { holders, released, hold } = stage(100_000);
  hold('victim', 'v', 'bank');
  for (let n = 0; n < 5_000; n += 1) hold(`id-${n}`, `pod-${n % 30}`, 'shop');
  expect(holders.holds(subjectOf('victim'))).toBe(true);
  expect(released.slice(0, 2)).toEqual(['id-0', 'id-1']);
  expect(5_000 - released.length).toBeLessThan(100_000 / 200);
  expect(holders.holds(subjectOf('id-4999'))).toBe(true);
});

it('long names count by their length', () => {
  const { released, holders } = stage(10_000);
  for (let n = 0; n < 10; n += 1)
    holders.hold(
      { kind: 'machine', by: 'resource-id', value: `${n}${'x'.repeat(2_000)}` },
      { namespace: 'shop', pod: 'a' },
    );
  expect(released.length).toBeGreaterThanOrEqual(5);
});
