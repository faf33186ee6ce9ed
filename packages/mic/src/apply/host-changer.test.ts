import type { ResourceId } from '@pod-identity/crd-types';
import { createFakeClock } from '@pod-identity/kit/testing';
import { describe, expect, test } from 'vitest';
import { alive, facts, hostOf, idlePlan, idOf, instanceOf, now } from '../plan/test/builders.ts';
import type { HostPlan } from '../plan/types.ts';
import { createFacts, recordOf } from '../snapshot/facts/host-facts.ts';
import { HostChanger, isHeldBack, type HostResult } from './apply-host.ts';
import type { UpdateContext } from './host-identities.ts';
import type { HostChange, ReadOutcome, UpdateOutcome } from '../snapshot/facts/outcomes.ts';
import type { SaveOutcome } from './ledger.ts';
import { createHostMemory } from './memory.ts';

const host = hostOf(instanceOf('vmss1'));
const [a, b, c] = [idOf('a'), idOf('b'), idOf('c')];
const strikesOf = (spentMs: number) =>
  new Map([['evil', { failedAt: now, spentUntil: now + spentMs, distrusted: false }]]);
const nothing: UpdateOutcome = { rejected: [], patches: 0 };

interface World {
  holds: boolean;
  saving: SaveOutcome;
  needed: readonly ResourceId[];
  reading: ReadOutcome;
  claimants: (id: ResourceId) => readonly string[];
  update: (change: HostChange, context: UpdateContext) => Promise<UpdateOutcome>;
}

/** One host that was read before and has `a`; the test controls all ports. Azure takes 7 ms. */
function setUp(known = facts(host, ['a'], { oursNames: ['a'] })) {
  const clock = createFakeClock(now);
  const memory = createHostMemory();
  memory.keep(known);
  const reported: HostResult[] = [];
  const changes: HostChange[] = [];
  const calls = { reads: 0, saves: 0 };
  const lastFailure: string[] = [];
  const world: World = {
    holds: true,
    saving: { kind: 'saved' },
    needed: [],
    reading: { kind: 'read', present: new Map([[a, alive('a')]]) },
    claimants: () => [],
    update: () => Promise.resolve(nothing),
  };
  const applier = new HostChanger({
    memory,
    now: () => clock.now(),
    random: () => 0.5,
    term: { signal: new AbortController().signal, holds: () => world.holds },
    identities: {
      read: () => ((calls.reads += 1), clock.sleep(7).then(() => world.reading)),
      update: (_host, change, context) => (
        changes.push(change),
        clock.sleep(7).then(() => world.update(change, context))
      ),
    },
    ledger: { save: () => ((calls.saves += 1), Promise.resolve(world.saving)) },
    isNeeded: (_host, id) => world.needed.includes(id),
    granted: () => world.needed,
    claimants: (id) => world.claimants(id),
    report: (result) => void reported.push(result),
    onRecordNotSaved: (_host, outcome) => void lastFailure.push(outcome.kind),
  });
  const apply = async (plan: Partial<HostPlan>) => {
    const done = applier.apply({ ...idlePlan(host), ...plan, host });
    await clock.advance(7);
    return done;
  };
  return { apply, memory, reported, changes, calls, lastFailure, world, of: () => memory.facts(host.id)! };
}
/** Like `azure/` right before a PATCH, including its outcome if that is refused. */
const patching =
  (attaching: readonly ResourceId[], answer: UpdateOutcome = { ...nothing, patches: 1 }) =>
  async (_change: HostChange, context: UpdateContext): Promise<UpdateOutcome> => {
    try {
      await context.beforePatch(attaching, now + 20_000);
    } catch {
      const refusal = {
        kind: 'unavailable',
        message: 'could not write it down',
        retryAfterMs: 5_000,
      } as const;
      return { ...answer, patches: 0, refusal };
    }
    return answer;
  };

describe('what a turn does', () => {
  test('an identity that a pod needs since the plan is not in the request to detach', async () => {
    const { apply, changes, world } = setUp();
    world.needed = [a];
    await apply({ detach: [a] });
    expect(changes).toEqual([]);
  });

  test('an identity counts as unavailable while it is being detached, and only then', async () => {
    const { apply, memory, world } = setUp();
    let during: readonly ResourceId[] = [];
    world.update = () => ((during = [...memory.leaving(host.id)]), Promise.resolve(nothing));
    await apply({ detach: [a] });
    expect([during, [...memory.leaving(host.id)]]).toEqual([[a], []]);
  });

  test.each([
    [undefined, false],
    [now - 1, false],
    [now, false],
    [now + 1, true],
  ])('a plan that is held until %s is held: %s', (notBefore, expected) => {
    expect(isHeldBack({ ...idlePlan(host), ...(notBefore !== undefined && { notBefore }) }, now)).toBe(
      expected,
    );
  });

  test.each([
    ['Updating', 'busy'],
    ['creating', 'busy'],
    ['Migrating', 'busy'],
    ['Succeeded', undefined],
    ['NotUpdating', undefined],
    ['UpdatingFailed', undefined],
  ])('a host that the first reading finds %s: failure %s', async (provisioningState, kind) => {
    const { apply, of, world } = setUp(createFacts(host));
    world.reading = { kind: 'read', present: new Map(), provisioningState };
    await apply({ attach: [b], read: true });
    expect(of().lastFailure?.kind).toBe(kind);
  });
});

describe('when to come back', () => {
  test('at once, if something was left for the next turn', async () => {
    const { apply, world, changes } = setUp(facts(host, ['a'], { strikes: strikesOf(0) }));
    world.claimants = (id) => [id === b ? 'evil' : 'good'];
    expect(await apply({ attach: [b, c] })).toBe(now + 7);
    expect(changes).toMatchObject([{ attach: [c] }]);
    expect(await apply({ attach: [c] })).toBeUndefined();
  });

  test('soon, if the record could not be written, and not at the time of the host', async () => {
    const { apply, world, lastFailure, of } = setUp();
    world.saving = { kind: 'failed', message: 'etcd is away' };
    const before = of();
    expect(await apply({ read: true })).toBe(now + 7 + 5_000);
    expect(lastFailure).toEqual(['failed']);
    expect(of().ours).toEqual(before.ours);
  });

  test('never by itself, after the term', async () => {
    const { apply, world, calls } = setUp();
    world.holds = false;
    expect(await apply({ read: true })).toBeUndefined();
    expect(calls).toEqual({ reads: 0, saves: 0 });
  });
});

describe('an intent', () => {
  const overtaking = recordOf(facts(host, [], { oursNames: ['c'] }));
  test.each([
    ['cannot be written', { kind: 'failed', message: 'etcd is away' }, ['a']],
    ['was overtaken by another record', { kind: 'overtaken', record: overtaking }, ['c']],
    ['was overtaken by the end of all records', { kind: 'overtaken', record: undefined }, []],
  ] as const)('that %s sends nothing, is not kept, and comes back soon', async (...[, saving, ours]) => {
    const { apply, world, of, reported } = setUp();
    world.saving = saving;
    world.update = patching([b], { ...nothing, present: new Map([[b, alive('b')]]) });
    expect(await apply({ attach: [b] })).toBe(now + 7 + 5_000);
    expect([...of().ours.keys()]).toEqual(ours.map((name) => idOf(name)));
    // The state read for a change that MIC stopped is not used: the record may be newer.
    expect(of().present?.has(b) ?? false).toBe(false);
    expect(of().lastFailure).toBeUndefined();
    expect(reported).toMatchObject([{ outcome: { refusal: { kind: 'aborted' }, patches: 0 } }]);
  });

  test('is withdrawn when a pod needs an identity to be detached; it is planned again at once', async () => {
    const { apply, world, of } = setUp();
    world.update = (change, context) => {
      world.needed = [a];
      return patching([b])(change, context);
    };
    expect(await apply({ attach: [b], detach: [a] })).toBe(now + 7);
    expect([...of().ours.keys()]).toEqual([a]);
  });

  test('is not written after the term', async () => {
    const { apply, world, calls } = setUp();
    world.update = (change, context) => {
      world.holds = false;
      return patching([b])(change, context);
    };
    await apply({ attach: [b] });
    expect(calls.saves).toBe(0);
  });

  test('that is withdrawn keeps earlier results of Azure', async () => {
    const { apply, world, of } = setUp();
    world.saving = { kind: 'failed', message: 'etcd is away' };
    const rejected = [{ id: c, code: 'Unknown', message: 'no' } as const];
    world.update = patching([b], { ...nothing, rejected, blamed: new Map([['evil', 1]]) });
    await apply({ attach: [b, c] });
    expect([...of().quarantined.keys()]).toEqual([c]);
    expect([...of().strikes.keys()]).toEqual(['evil']);
  });
});

describe('what Azure is told besides the change', () => {
  test.each([
    ['nobody', [], false],
    ['somebody who waits for this change', [b], false],
    ['somebody who has what he needs', [a], false],
    ['somebody whose identity was refused', [idOf('bad')], false],
    ['somebody else', [a, b, idOf('urgent')], true],
  ])('whether others wait: %s', async (...[, needed, expected]) => {
    const refused = { until: now + 1, failures: 1, code: 'Unknown', message: 'no' } as const;
    const { apply, world } = setUp(facts(host, ['a'], { quarantined: new Map([[idOf('bad'), refused]]) }));
    let othersWait: boolean | undefined;
    world.update = (_change, context) => {
      world.needed = needed;
      othersWait = context.othersWait?.();
      return Promise.resolve(nothing);
    };
    await apply({ attach: [b], renew: [c] });
    expect(othersWait).toBe(expected);
  });

  test('others wait also on a host whose content became unknown meanwhile', async () => {
    const { apply, world, memory } = setUp();
    let othersWait: boolean | undefined;
    world.update = (_change, context) => {
      memory.forget(host.id);
      world.needed = [a];
      othersWait = context.othersWait?.();
      return Promise.resolve(nothing);
    };
    await apply({ attach: [b] });
    expect(othersWait).toBe(true);
  });

  test('how often it may be refused: the budget of the namespace with least', async () => {
    const attempts: unknown[] = [];
    for (const spentMs of [0, 240_000]) {
      const { apply, world } = setUp(facts(host, ['a'], { strikes: strikesOf(spentMs) }));
      world.claimants = () => ['evil'];
      world.update = (_change, context) => (attempts.push(context.attempts), Promise.resolve(nothing));
      await apply({ attach: [b] });
    }
    const { apply, world } = setUp();
    world.update = (_change, context) => (attempts.push(context.attempts), Promise.resolve(nothing));
    await apply({ attach: [b] });
    expect(attempts).toEqual([4, 2, Infinity]);
  });
});

test('a successful read does not shorten the delay of a host that is being updated', async () => {
  const lastFailure = { kind: 'busy', message: 'in motion', failures: 3 } as const;
  const { apply, world, of } = setUp({ ...createFacts(host), lastFailure });
  world.reading = {
    kind: 'read',
    present: new Map(),
    provisioningState: 'Updating',
  };
  await apply({ attach: [b], read: true });
  expect(of().lastFailure).toMatchObject({ kind: 'busy', failures: 4 });
});

test('nothing is sent to Azure after the term, and only identities that MIC added without need may be detached', async () => {
  const known = facts(host, ['a', 'b', 'c'], { oursNames: ['a', 'b'] });
  const { apply, world } = setUp({ ...known, unapplied: new Set([b, c]) });
  const seen: unknown[] = [];
  world.update = (_change, context) => {
    seen.push(
      context.mayBeSent?.(),
      [a, b, c].map((id) => context.mayComeOff?.(id)),
    );
    world.holds = false;
    seen.push(context.mayBeSent?.());
    return Promise.resolve(nothing);
  };
  await apply({ attach: [idOf('d')] });
  expect(seen).toEqual([true, [false, true, false], false]);
});
