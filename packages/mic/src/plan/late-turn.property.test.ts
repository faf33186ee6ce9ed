// Updates fail late, without a named cause, while the host lists ids of some namespaces: the others still get theirs.
import type { ResourceId } from '@pod-identity/crd-types';
import fc from 'fast-check';
import { expect, test } from 'vitest';
import type { HostFacts } from '../snapshot/facts/facts.ts';
import { createFacts, foldIntent, foldUpdate, isCarried } from '../snapshot/facts/host-facts.ts';
import { attemptDueAt, standingOf } from './standing.ts';
import { nextTurn, type HostTurn } from './host-turn.ts';
import { partOf } from './late-turn.ts';
import { hostOf, idOf, instanceOf, minute, now as start } from './test/builders.ts';

interface World {
  /** By name of the identity: the namespaces that name it. */
  readonly identities: ReadonlyMap<string, readonly string[]>;
  readonly guilty: ReadonlySet<string>;
}

const namespaces = ['a', 'b', 'c', 'd', 'e', 'f', 'g'];
const worlds: fc.Arbitrary<World> = fc
  .record({
    sizes: fc.array(fc.integer({ min: 1, max: 3 }), { minLength: 2, maxLength: namespaces.length }),
    guilty: fc.uniqueArray(fc.nat(6), { maxLength: 2 }),
  })
  .map(({ sizes, guilty }) => {
    const all = sizes.flatMap((size, at) =>
      Array.from({ length: size }, (_, index): [string, string[]] => [
        `${namespaces[at]}${index}`,
        [namespaces[at]!],
      ]),
    );
    return { identities: new Map(all), guilty: new Set(guilty.map((at) => `${namespaces[at]}0`)) };
  });

const nameOf = (id: ResourceId) => id.slice(id.lastIndexOf('/') + 1);
const client = { clientId: 'c', principalId: 'p' };

interface Round {
  readonly facts: HostFacts;
  readonly now: number;
}

function dueOf(
  ids: readonly ResourceId[],
  { facts, now }: Round,
  claimants: (id: ResourceId) => readonly string[],
) {
  const due = ids.filter(
    (id) =>
      !isCarried(facts, id) &&
      (facts.quarantined.get(id)?.until ?? 0) <= now &&
      attemptDueAt(standingOf(id, facts, claimants), facts, now) <= now,
  );
  const again = due.filter((id) => facts.present?.has(id));
  return { attach: due.filter((id) => !again.includes(id)), again, renew: [], detach: [] };
}

function send({ facts, now }: Round, turn: HostTurn, guilty: ReadonlySet<string>): HostFacts {
  const { attach, again = [], withdraw = [] } = turn;
  const adding = [...attach, ...again];
  const present = new Map([...(facts.present ?? []), ...adding.map((id) => [id, client] as const)]);
  for (const id of withdraw) present.delete(id);
  const hasFailed = [...present.keys()].some((id) => guilty.has(nameOf(id)));
  const refusal = { kind: 'failed', message: 'm', late: true } as const;
  const outcome = hasFailed ? { present, failed: true as const, refusal } : { present, applied: adding };
  const update = { change: turn, outcome: { ...outcome, rejected: [], patches: 1 } };
  return foldUpdate(foldIntent(facts, adding, now), update, { now, chance: 0.5 });
}

function play({ identities, guilty }: World, patches: number) {
  const ids = [...identities.keys()].map(idOf);
  const claimants = (id: ResourceId) => identities.get(nameOf(id)) ?? [];
  let facts: HostFacts = { ...createFacts(hostOf(instanceOf('vmss1'))), present: new Map(), readAt: start };
  const taken: ResourceId[] = [];
  let now = start;
  for (let sent = 0; sent < patches && now < start + 24 * 60 * minute;) {
    now = Math.max(now + minute, facts.notBefore);
    const changes = dueOf(ids, { facts, now }, claimants);
    if (changes.attach.length + changes.again.length === 0) continue;
    const turn = nextTurn(changes, facts, claimants);
    taken.push(...(turn.withdraw ?? []).filter((id) => isCarried(facts, id)));
    facts = send({ facts, now }, turn, guilty);
    sent += 1;
  }
  return { facts, taken, served: ids.filter((id) => isCarried(facts, id)).map(nameOf) };
}

test('whoever is guilty, all other namespaces are served, nothing that serves a pod comes off, and no innocent one is blamed', () => {
  fc.assert(
    fc.property(worlds, (world) => {
      const { facts, served, taken } = play(world, 150);
      const isInnocent = (name: string) => ![...world.guilty].some((bad) => bad.startsWith(name.charAt(0)));
      const innocent = [...world.identities.keys()].filter(isInnocent);
      expect(served).toEqual(expect.arrayContaining(innocent));
      expect(taken).toEqual([]);
      const guilty = new Set([...world.guilty].map((bad) => bad.charAt(0)));
      expect([...facts.strikes.keys()].filter((namespace) => !guilty.has(namespace))).toEqual([]);
    }),
    { numRuns: 200 },
  );
});

test('the parts of some things: each alone at some time, all of them at another, none left out of a round', () => {
  fc.assert(
    fc.property(fc.uniqueArray(fc.nat(100), { minLength: 2, maxLength: 20 }), fc.nat(500), (all, from) => {
      const rounds = Array.from({ length: 4 * all.length + 2 }, (_, step) => partOf(all, from + step));
      for (const one of all) expect(rounds).toContainEqual([one]);
      expect(rounds).toContainEqual(all);
      expect(rounds.filter((part) => part.length === 0)).toEqual([]);
    }),
  );
});
