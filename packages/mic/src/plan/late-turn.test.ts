import type { ResourceId } from '@pod-identity/crd-types';
import { describe, expect, test } from 'vitest';
import type { HostFacts, Strike } from '../snapshot/facts/facts.ts';
import { nextTurn } from './host-turn.ts';
import { lateTurn, partOf } from './late-turn.ts';
import { alive, facts, hostOf, idOf, instanceOf, now } from './test/builders.ts';

const host = hostOf(instanceOf('vmss1'));
const [a, b, c, d] = [idOf('a'), idOf('b'), idOf('c'), idOf('d')];
const owners: Readonly<Record<string, string>> = { [a]: 'bank', [b]: 'evil', [c]: 'shop', [d]: 'town' };
const claimants = (id: ResourceId) => (owners[id] === undefined ? [] : [owners[id]]);
const own = { since: now, confirmed: true };
const strike: Strike = { failedAt: now, spentUntil: 0, distrusted: false };

/** A host whose last update failed; it lists these ids, which are not applied. */
function failing(listed: readonly ResourceId[], more: Partial<HostFacts> = {}): HostFacts {
  return {
    ...facts(host),
    failed: true,
    lateFailures: 2,
    present: new Map(listed.map((id) => [id, alive('one')])),
    unapplied: new Set(listed),
    ours: new Map(listed.map((id) => [id, own])),
    ...more,
  };
}

const turn = (chosen: readonly ResourceId[], known: HostFacts) => {
  const { kept, ...rest } = lateTurn(new Set(chosen), known, claimants);
  return { kept: [...kept], ...rest };
};

describe('which ids go on after an update of the host', () => {
  test('that did not fail: all that was chosen, and nothing comes off', () => {
    expect(turn([a, c], failing([b], { failed: undefined }))).toEqual({ kept: [a, c], withdraw: [] });
  });

  test('that failed late for the first time: all are sent once more', () => {
    expect(turn([a, b], failing([b], { lateFailures: 1 }))).toEqual({ kept: [a, b], withdraw: [] });
  });

  test('that failed late twice: those of the others; the only namespace of the failed ones is left out and suspected', () => {
    expect(turn([a, b, c], failing([b]))).toEqual({ kept: [a, c], withdraw: [b], suspect: 'evil' });
  });

  test('what others than MIC attached does not come off', () => {
    expect(turn([a, b], failing([b], { ours: new Map() }))).toMatchObject({ withdraw: [] });
  });

  test('a namespace that had a strike already is not suspected anew', () => {
    const known = failing([b], { strikes: new Map([['evil', strike]]) });
    expect(turn([a, b], known)).toEqual({ kept: [a], withdraw: [b] });
  });

  test('of a namespace with a strike what is not chosen comes off at once, of one without it stays', () => {
    const known = failing([b, c], { lateFailures: 1, strikes: new Map([['evil', strike]]) });
    expect(turn([a], known)).toEqual({ kept: [a], withdraw: [b] });
    expect(turn([b], known)).toEqual({ kept: [b], withdraw: [] });
  });

  test('where one namespace alone asks, all of it goes on', () => {
    expect(turn([b], failing([b], { lateFailures: 5 }))).toEqual({ kept: [b], withdraw: [] });
    expect(turn([a], failing([c], { lateFailures: 5 }))).toEqual({ kept: [a], withdraw: [] });
  });

  test('the turn says what comes off with it, and who is suspected; neither where nothing failed', () => {
    const changes = { attach: [a], again: [b], renew: [], detach: [] };
    const failed = nextTurn(changes, failing([b]), claimants);
    expect(failed).toMatchObject({ attach: [a], withdraw: [b], suspect: 'evil', hasMore: true });
    expect(failed).not.toHaveProperty('again');
    const sound = nextTurn(changes, failing([b], { failed: undefined }), claimants);
    expect(sound).toMatchObject({ attach: [a], again: [b], hasMore: false });
    for (const key of ['withdraw', 'suspect']) expect(sound).not.toHaveProperty(key);
  });

  test('where several have failed, one half after the other; where two are left out, neither is suspected', () => {
    expect(turn([a, b, c, d], failing([a, b, c, d]))).toEqual({ kept: [a, b], withdraw: [c, d] });
    expect(turn([a, b, c, d], failing([a, b, c, d], { lateFailures: 3 }))).toEqual({
      kept: [c, d],
      withdraw: [a, b],
    });
  });

  test('where two have failed and others have come since, parts of all of them as well', () => {
    expect(turn([a, b, c], failing([b, c], { lateFailures: 3 }))).toEqual({ kept: [b, c], withdraw: [] });
  });

  test('every third time a part goes on, whoever seems to have failed', () => {
    const kept = Array.from({ length: 8 }, (_, more) =>
      turn([d, c, b, a], failing([b], { lateFailures: 2 + more })).kept.map((id) => owners[id]),
    );
    const others = ['town', 'shop', 'bank'];
    expect(kept).toEqual([
      others,
      others,
      ['evil', 'bank'],
      others,
      others,
      ['town', 'shop'],
      others,
      others,
    ]);
  });

  test('ids that no AzureIdentity names count together', () => {
    const [x, y] = [idOf('x'), idOf('y')];
    expect(turn([a, x, y], failing([x, y]))).toEqual({ kept: [a], withdraw: [x, y], suspect: '' });
  });
});

test('the parts of four things: halves, single ones, all; then from the beginning', () => {
  const parts = Array.from({ length: 8 }, (_, step) => partOf([1, 2, 3, 4], step).join(''));
  expect(parts).toEqual(['12', '34', '1', '2', '3', '4', '1234', '12']);
});

test('the parts of three things', () => {
  const parts = Array.from({ length: 7 }, (_, step) => partOf([1, 2, 3], step).join(''));
  expect(parts).toEqual(['1', '23', '1', '2', '3', '123', '1']);
});
