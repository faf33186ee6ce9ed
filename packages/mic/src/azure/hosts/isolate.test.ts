import type { ResourceId } from '@pod-identity/crd-types';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { patchLimit, type IdentityStep } from './identity-patch.ts';
import { blockedBy, forgetDone, nextBatch, passed, refused, startSearch } from './isolate.ts';

const step = (index: number): IdentityStep => ({ id: `/id/${index}` as ResourceId, kind: 'add' });

/** An ARM that refuses any batch with a bad step and names some of them. */
function search(count: number, bad: ReadonlySet<number>, names: 'all' | 'first' | 'none') {
  const steps = Array.from({ length: count }, (_, index) => step(index));
  const isBad = (one: IdentityStep) => bad.has(steps.indexOf(one));
  const done = new Set<IdentityStep>();
  const culprits: IdentityStep[] = [];
  let patches = 0;
  let state = startSearch(steps);
  for (let batch = nextBatch(state); batch.length > 0; batch = nextBatch(state)) {
    patches += 1;
    const wrong = batch.filter(isBad);
    if (wrong.length === 0) batch.forEach((one) => done.add(one));
    const named = { all: wrong, first: wrong.slice(0, 1), none: [] }[names].map((one) => one.id);
    const verdict = wrong.length === 0 ? passed(state, batch) : refused(state, batch, named);
    culprits.push(...verdict.culprits);
    state = verdict.search;
    expect(batch.length).toBeLessThanOrEqual(patchLimit);
  }
  return { steps, isBad, done, culprits, patches };
}

describe('the search for what ARM refuses', () => {
  it('attaches every good one and rejects only the bad ones, whatever ARM names', () => {
    const names = fc.constantFrom('all' as const, 'first' as const, 'none' as const);
    const worlds = fc
      .integer({ min: 0, max: 320 })
      .chain((count) =>
        fc.tuple(
          fc.constant(count),
          fc.uniqueArray(fc.nat({ max: Math.max(0, count - 1) }), { maxLength: 6 }),
          names,
        ),
      );
    fc.assert(
      fc.property(worlds, ([count, bad, naming]) => {
        const { steps, isBad, done, culprits } = search(count, new Set(bad), naming);
        expect([...done].sort((a, b) => steps.indexOf(a) - steps.indexOf(b))).toEqual(
          steps.filter((one) => !isBad(one)),
        );
        expect(new Set(culprits)).toEqual(new Set(steps.filter(isBad)));
      }),
    );
  });

  it('user-needs 10.3: one unnamed bad id among 40 costs at most 1 + 2·log2(40) + 1 PATCHes, and never more than the burst', () => {
    for (let bad = 0; bad < 40; bad += 1) {
      expect(search(40, new Set([bad]), 'none').patches).toBeLessThanOrEqual(8);
    }
  });

  it('one named bad id costs two PATCHes', () => {
    expect(search(40, new Set([17]), 'all').patches).toBe(2);
  });

  it('continues where it was interrupted', () => {
    const steps = [step(0), step(1), step(2), step(3)];
    const suspected = new Set([step(2).id, step(3).id]);
    expect(nextBatch(startSearch(steps, suspected))).toEqual([step(2)]);
    expect(nextBatch(startSearch(steps, new Set([step(3).id])))).toEqual(steps);
  });

  it('removes a dead entry that blocks updates, once', () => {
    const once = blockedBy(startSearch([step(0)]), [step(0)], [step(9).id])?.search;
    expect(once?.pending).toEqual([{ id: step(9).id, kind: 'remove' }, step(0)]);
    expect(blockedBy(once!, once!.pending, [step(9).id])).toBeUndefined();
    expect(blockedBy(once!, once!.pending, [])).toBeUndefined();
  });

  it('removes a blocking entry first that was to be removed in a later batch', () => {
    const removal: IdentityStep = { id: step(9).id, kind: 'remove' };
    const halved = { pending: [step(0), step(1), removal], suspects: [step(0), step(1)] };
    expect(blockedBy(halved, [step(0)], [removal.id])?.search).toEqual(
      startSearch([removal, step(0), step(1)]),
    );
    expect(blockedBy(halved, halved.pending, [removal.id])).toBeUndefined();
    expect(blockedBy(halved, [step(0)], [step(1).id])).toBeUndefined();
  });

  it('drops steps that a second read shows as done', () => {
    const state = { pending: [step(0), step(1)], suspects: [step(0)] };
    expect(forgetDone(state, (one) => one.id === step(0).id)).toEqual({ pending: [step(1)], suspects: [] });
  });
});

describe('where namespaces answer for the steps', () => {
  const owned = (name: string, namespace: string): IdentityStep => ({
    id: `/id/${name}` as ResourceId,
    kind: 'add',
    namespace,
  });

  it('a namespace with bad ids costs the others log2 of their number, and the search ends at its name', () => {
    fc.assert(
      fc.property(fc.integer({ min: 2, max: 40 }), fc.nat(39), fc.boolean(), (count, at, isNamed) => {
        const evil = `n${at % count}`;
        const steps = Array.from({ length: count }, (_, index) => `n${index}`).flatMap((namespace) =>
          (namespace === evil ? ['a', 'b', 'c', 'd', 'e'] : ['a']).map((name) =>
            owned(`${namespace}-${name}`, namespace),
          ),
        );
        const done = new Set<IdentityStep>();
        const blamed: string[] = [];
        let patches = 0;
        let state = startSearch(steps);
        for (let batch = nextBatch(state); batch.length > 0; batch = nextBatch(state)) {
          patches += 1;
          const wrong = batch.filter(({ namespace }) => namespace === evil);
          if (wrong.length === 0) batch.forEach((one) => done.add(one));
          const named = isNamed ? wrong.slice(0, 1).map(({ id }) => id) : [];
          const verdict = wrong.length === 0 ? passed(state, batch) : refused(state, batch, named);
          blamed.push(...verdict.blamed);
          state = verdict.search;
        }
        expect(blamed).toEqual([evil]);
        expect(done).toEqual(new Set(steps.filter(({ namespace }) => namespace !== evil)));
        expect(patches).toBeLessThanOrEqual(2 + Math.ceil(Math.log2(count)));
      }),
    );
  });

  it('a single namespace is blamed at the first refusal, and the next search continues with the rest', () => {
    const steps = ['a', 'b', 'c', 'd'].map((name) => owned(name, 'evil'));
    const verdict = refused(startSearch(steps), steps, []);
    expect(verdict).toMatchObject({ search: { pending: [] }, blamed: ['evil'], leftBehind: steps });
    const again = startSearch(steps, new Set(verdict.leftBehind.map(({ id }) => id)));
    expect(nextBatch(again)).toEqual(steps.slice(0, 2));
  });
});
