import { describe, expect, test } from 'vitest';
import { faultsOf } from './faults.ts';
import type { Operation } from './operation.ts';
import { makePlan } from './plan.ts';
import { createRandom } from './random.ts';

const minute = 60_000;

describe('a plan', () => {
  test('is the same for the same seed, step for step', () => {
    expect(makePlan(7, 3 * minute)).toEqual(makePlan(7, 3 * minute));
  });

  test('is different for another seed', () => {
    expect(makePlan(8, minute).steps).not.toEqual(makePlan(7, minute).steps);
    expect(makePlan(8, 3 * minute).measured).not.toEqual(makePlan(7, 3 * minute).measured);
  });

  test('has each kind of fault of its mode twice in four minutes', () => {
    for (const seed of [1, 2, 3]) {
      const { measured, mode } = makePlan(seed, 4 * minute);
      for (const name of faultsOf(mode)) expect(measured.filter(({ kind }) => kind === name)).toHaveLength(2);
    }
  });

  test('of every second seed is in mode rbac, where rights are withdrawn', () => {
    expect([1, 2, 3].map((seed) => makePlan(seed, minute).mode)).toEqual(['namespace', 'rbac', 'namespace']);
    const withdrawn = (seed: number) =>
      makePlan(seed, minute).steps.some(({ operation }) => operation.kind === 'withdraw-right');
    expect([withdrawn(1), withdrawn(2)]).toEqual([false, true]);
  });

  test('has every kind of operation in three minutes', () => {
    const kinds = new Set(
      [1, 2, 3].flatMap((seed) => makePlan(seed, 3 * minute).steps.map(({ operation }) => operation.kind)),
    );
    expect([...kinds].sort()).toEqual(
      [
        ...[
          'attach-foreign',
          'create-pod',
          'delete-binding',
          'delete-exception',
          'delete-identity',
          'delete-pod',
        ],
        ...['detach-foreign', 'drift', 'put-binding', 'put-exception', 'put-identity', 'recreate-in-azure'],
        ...['relabel-pod', 'replace-host', 'reuse-address', 'scale', 'move-pod'],
        ...['grant-right', 'withdraw-right'],
      ].sort(),
    );
  });

  test('deletes and changes only what it has created before', () => {
    for (let seed = 1; seed <= 20; seed += 1) {
      const there = new Set<string>();
      const absent = makePlan(seed, minute).steps.filter(({ operation }) => !follow(there, operation));
      expect(absent).toEqual([]);
    }
  });
});

/** Whether the object of the operation exists; updates the list of objects. */
function follow(there: Set<string>, operation: Operation): boolean {
  if (!('name' in operation)) return true;
  const { kind, name } = operation;
  if (kind === 'create-pod' || kind.startsWith('put-')) {
    there.add(name);
    return true;
  }
  if (kind === 'reuse-address') there.add(operation.next.name);
  return kind === 'relabel-pod' || kind === 'move-pod' ? there.has(name) : there.delete(name);
}

test('random numbers are evenly distributed, and a shuffle keeps its items', () => {
  const random = createRandom(1);
  const counts = [0, 0, 0, 0];
  for (let draw = 0; draw < 4_000; draw += 1) counts[random.below(4)]! += 1;
  for (const count of counts) expect(Math.abs(count - 1_000)).toBeLessThan(150);
  expect(random.shuffle([1, 2, 3]).sort()).toEqual([1, 2, 3]);
  expect(() => random.pick([])).toThrow(RangeError);
});
