import type { ResourceId } from '@pod-identity/crd-types';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import type { HostFacts, Strike } from '../snapshot/facts/facts.ts';
import { createFacts } from '../snapshot/facts/host-facts.ts';
import { nextTurn, type Changes } from './host-turn.ts';
import { rankOf, standingOf } from './standing.ts';
import { hostOf, idOf, instanceOf, now } from './test/builders.ts';

const host = hostOf(instanceOf('vmss1'));
const strike = (spentUntil: number, distrusted = false): Strike => ({
  failedAt: now,
  spentUntil,
  distrusted,
});
const facts = (more: Partial<HostFacts> = {}): HostFacts => ({ ...createFacts(host), ...more });
const changes = (more: Partial<Changes> = {}): Changes => ({ attach: [], renew: [], detach: [], ...more });
const quarantine = { until: 0, failures: 1, code: 'Unknown', message: '' } as const;
const ownedBy = (owners: Readonly<Record<string, readonly string[]>>) => (id: ResourceId) => owners[id] ?? [];

describe('what is sent next', () => {
  const [a, b, c] = [idOf('a'), idOf('b'), idOf('c')];
  const owners = ownedBy({ [a]: ['shop'], [b]: ['bank'], [c]: ['evil'] });

  test('is everything at once while nobody has a strike, with the namespace that answers for each', () => {
    const turn = nextTurn(changes({ attach: [a, b], renew: [c], detach: [idOf('old')] }), facts(), owners);
    expect(turn).toMatchObject({ attach: [a, b], renew: [c], detach: [idOf('old')], hasMore: false });
    expect([...turn.namespaces.values()].sort()).toEqual(['bank', 'evil', 'shop']);
  });

  test('names nobody for what no AzureIdentity names', () => {
    expect(nextTurn(changes({ attach: [a] }), facts(), () => []).namespaces).toEqual(new Map());
  });

  test('of updates that are sent again as well, by the same rules', () => {
    const struck = facts({ strikes: new Map([['evil', strike(0)]]) });
    expect(nextTurn(changes({ attach: [a], again: [b, c] }), struck, owners)).toMatchObject({
      attach: [a],
      again: [b],
      hasMore: true,
    });
    expect(nextTurn(changes({ attach: [a], again: [c] }), struck, owners).again ?? []).toEqual([]);
    expect(nextTurn(changes({ again: [c] }), struck, owners)).toMatchObject({ again: [c], hasMore: false });
  });

  test('is all of the namespaces without a strike, when one has one', () => {
    const struck = facts({ strikes: new Map([['evil', strike(0)]]) });
    expect(nextTurn(changes({ attach: [c, b, a] }), struck, owners)).toMatchObject({
      attach: [b, a],
      hasMore: true,
    });
  });

  test('of namespaces with a strike is one alone, the thriftier or the first by name, in whatever order they come', () => {
    const of = (shop: number, evil: number) =>
      [
        [a, c],
        [c, a],
      ].map((attach) => {
        const strikes = new Map([
          ['shop', strike(shop)],
          ['evil', strike(evil)],
        ]);
        const turn = nextTurn(changes({ attach }), facts({ strikes }), owners);
        expect(turn.detach).toEqual([]);
        return turn.attach;
      });
    expect(of(now + 1, now + 2)).toEqual([[a], [a]]);
    expect(of(now + 2, now + 1)).toEqual([[c], [c]]);
    expect(of(now, now)).toEqual([[c], [c]]);
  });

  test('leaves out what a namespace with a strike asks for, for a later turn', () => {
    const struck = facts({ strikes: new Map([['evil', strike(0)]]) });
    const asked = changes({ attach: [a, c], detach: [idOf('old')] });
    expect(nextTurn(asked, struck, owners)).toMatchObject({
      attach: [a],
      detach: [idOf('old')],
      hasMore: true,
    });
    expect(nextTurn(changes({ attach: [c] }), struck, owners)).toMatchObject({ attach: [c], hasMore: false });
    expect(nextTurn(changes({ attach: [c], detach: [a] }), struck, owners)).toMatchObject({
      attach: [],
      detach: [a],
      hasMore: true,
    });
  });

  test('an identity that a namespace without a strike names as well is not held back by the other', () => {
    const struck = facts({ strikes: new Map([['evil', strike(0)]]) });
    const both = ownedBy({ [a]: ['evil', 'shop'], [c]: ['evil'] });
    const turn = nextTurn(changes({ attach: [a, c] }), struck, both);
    expect(turn.attach).toEqual([a]);
    expect(turn.namespaces.get(a)).toBe('shop');
  });

  test('of one namespace: accepted before unproven, unproven before refused; the thriftier namespace first', () => {
    const struck = facts({
      strikes: new Map([
        ['evil', strike(now + 2)],
        ['shop', strike(now + 1)],
      ]),
      accepted: new Map([[a, now]]),
      quarantined: new Map([[b, quarantine]]),
    });
    const evils = ownedBy({ [a]: ['evil'], [b]: ['evil'], [c]: ['evil'], [idOf('d')]: ['shop'] });
    const order: (readonly ResourceId[])[] = [];
    let left: readonly ResourceId[] = [a, b, c, idOf('d')];
    while (left.length > 0) {
      const { attach } = nextTurn(changes({ attach: left }), struck, evils);
      order.push(attach);
      left = left.filter((id) => !attach.includes(id));
    }
    expect(order).toEqual([[a], [idOf('d')], [c], [b]]);
  });

  test('what was accepted says nothing once such an identity was refused', () => {
    const struck = facts({ strikes: new Map([['evil', strike(0, true)]]), accepted: new Map([[c, now]]) });
    expect(standingOf(c, struck, owners).trust).toBe('unproven');
  });
});

const names = ['n0', 'n1', 'n2', 'n3'];
const ids = Array.from({ length: 12 }, (_, index) => idOf(`i${index}`));
const worlds = fc.record({
  owners: fc.array(fc.subarray(names, { minLength: 1 }), { minLength: ids.length, maxLength: ids.length }),
  strikes: fc.array(fc.tuple(fc.constantFrom(...names), fc.nat(9), fc.boolean())),
  accepted: fc.subarray(ids),
  quarantined: fc.subarray(ids),
  attach: fc.subarray(ids),
  renew: fc.subarray(ids),
});

test('in every world: progress, nothing lost, the best first, and never two namespaces in a PATCH once one has a strike', () => {
  fc.assert(
    fc.property(worlds, (world) => {
      const claimants = (id: ResourceId) => world.owners[ids.indexOf(id)] ?? [];
      const known = facts({
        strikes: new Map(world.strikes.map(([name, spent, distrusted]) => [name, strike(spent, distrusted)])),
        accepted: new Map(world.accepted.map((id) => [id, now])),
        quarantined: new Map(world.quarantined.map((id) => [id, quarantine])),
      });
      const renew = world.renew.filter((id) => !world.attach.includes(id));
      let left = changes({ attach: world.attach, renew });
      let rank = 0;
      while (left.attach.length + left.renew.length > 0) {
        const turn = nextTurn(left, known, claimants);
        const sent = [...turn.attach, ...turn.renew];
        expect(sent.length).toBeGreaterThan(0);
        const standings = sent.map((id) => standingOf(id, known, claimants));
        const isClean = standings.every(({ trust }) => trust === 'clean');
        if (!isClean) expect(new Set(turn.namespaces.values()).size).toBe(1);
        for (const standing of standings) {
          expect(rankOf(standing)).toBeGreaterThanOrEqual(rank);
          rank = rankOf(standing);
        }
        left = changes({
          attach: left.attach.filter((id) => !sent.includes(id)),
          renew: left.renew.filter((id) => !sent.includes(id)),
        });
        expect(turn.hasMore).toBe(left.attach.length + left.renew.length > 0);
      }
    }),
  );
});
