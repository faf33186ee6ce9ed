import { describe, expect, it } from 'vitest';
import { facts, hostOf, idOf, instanceOf, now } from '../../plan/test/builders.ts';
import { foldBlame, foldLeft, foldRejections } from './attempts.ts';

const host = hostOf(instanceOf('vmss1'));
const [a, b, c] = [idOf('a'), idOf('b'), idOf('c')];
const own = { since: 1, confirmed: true };

describe('what was MIC’s own and is gone', () => {
  it('is known as accepted, and when; an intent that came to nothing is not', () => {
    const known = {
      ...facts(host),
      ours: new Map([
        [a, own],
        [b, { since: 1, confirmed: false }],
        [c, own],
      ]),
    };
    expect([...foldLeft(known, new Map([[c, own]]), now)]).toEqual([[a, now]]);
  });

  it('counts from the last time, and comes last among those that are remembered', () => {
    const accepted = new Map([
      [a, 1],
      [b, 2],
    ]);
    const known = { ...facts(host), accepted, ours: new Map([[a, own]]) };
    expect([...foldLeft(known, new Map(), now)]).toEqual([
      [b, 2],
      [a, now],
    ]);
    expect(foldLeft({ ...known, ours: new Map() }, new Map(), now)).toBe(accepted);
  });

  it('is remembered for 200 ids: the oldest are forgotten', () => {
    const accepted = new Map(Array.from({ length: 200 }, (_, n) => [idOf(`old-${n}`), n]));
    const known = { ...facts(host), accepted, ours: new Map([[a, own]]) };
    const after = foldLeft(known, new Map(), now);
    expect([after.size, after.has(idOf('old-0')), after.has(idOf('old-1')), after.has(a)]).toEqual([
      ...[200, false, true, true],
    ]);
  });
});

describe('a refused PATCH', () => {
  const change = {
    namespaces: new Map([
      [a, 'shop'],
      [b, 'shop'],
      [c, 'other'],
    ]),
  };
  const after = (accepted: readonly (typeof a)[], blamed = new Map([['shop', 1]])) =>
    foldBlame(
      { ...facts(host), accepted: new Map(accepted.map((id) => [id, 1])) },
      { change, outcome: { blamed } },
      now,
    ).strikes;

  it('is charged to the namespace that it was refused for, and to no other', () => {
    expect([...after([]).keys()]).toEqual(['shop']);
    const known = facts(host);
    expect(foldBlame(known, { change, outcome: {} }, now)).toBe(known);
  });

  it.each([
    ['all of which had been accepted', [a, b], true],
    ['one of which was new', [a], false],
    ['of which those of others had been accepted', [c], false],
  ])('of ids %s: the namespace is distrusted: %3$s', (_, accepted, distrusted) => {
    expect(after(accepted).get('shop')?.distrusted).toBe(distrusted);
  });

  it('for a namespace of which nothing was tried makes it distrusted by nothing', () => {
    expect(after([a, b, c], new Map([['third', 1]])).get('third')?.distrusted).toBe(false);
    const { strikes } = foldBlame(facts(host), { change: {}, outcome: { blamed: new Map([['x', 1]]) } }, now);
    expect(strikes.get('x')?.distrusted).toBe(false);
  });
});

it('a refused id is left alone for longer each time, and what Azure said is kept in short', () => {
  const rejected = [{ id: a, code: 'Unknown', message: 'x'.repeat(1_000) } as const];
  const first = foldRejections(facts(host), rejected, { now, chance: 0.5 });
  const second = foldRejections(first, rejected, { now, chance: 0.5 });
  expect(first.quarantined.get(a)).toEqual({
    until: now + 60_000,
    failures: 1,
    code: 'Unknown',
    message: 'x'.repeat(600),
  });
  expect(second.quarantined.get(a)).toMatchObject({ until: now + 120_000, failures: 2 });
  expect(foldRejections(second, [], { now, chance: 0.5 })).toBe(second);
});

it('of more than 300 refused ids those are forgotten that may be tried again soonest', () => {
  const until = (at: number) => ({ until: at, failures: 1, code: 'Unknown', message: '' }) as const;
  const known = Array.from(
    { length: 300 },
    (_, n) => [idOf(`old${n}`), until(now + 1 + ((n * 7) % 300))] as const,
  );
  const rejected = [{ id: a, code: 'Unknown', message: '' } as const];
  const full = { ...facts(host), quarantined: new Map(known) };
  const { quarantined } = foldRejections(full, rejected, { now, chance: 0.5 });
  expect(quarantined.size).toBe(300);
  expect(quarantined.has(a)).toBe(true);
  expect(known.filter(([id]) => !quarantined.has(id)).map(([, one]) => one.until)).toEqual([now + 1]);
});
