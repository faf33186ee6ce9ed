import { describe, expect, it } from 'vitest';
import { assigned } from '../../plan/test/builders.ts';
import type { AssignedView } from '../views.ts';
import { PodAssignments } from './pod-assignments.ts';

const holding = (...views: readonly AssignedView[]) => {
  const all = new PodAssignments();
  for (const one of views) all.replace(undefined, one);
  return all;
};
const view = (name: string, state: 'Assigned' | 'Created' = 'Assigned') => assigned({ name, state });

describe('the objects that name one pod', () => {
  it('are there in the order in which they came or changed', () => {
    const [a, b] = [view('a'), view('b')];
    const all = holding(b, a);
    expect(all.list).toEqual([b, a]);
    const newer = view('b');
    all.replace(b, newer);
    expect(all.list).toEqual([a, newer]);
    expect(all.size).toBe(2);
    expect(all.list).toBe(all.list);
  });

  it('know the first by name, whoever comes and goes', () => {
    const all = new PodAssignments();
    expect(all.first).toBeUndefined();
    const [a, b, c] = [view('a'), view('b'), view('c')];
    all.replace(undefined, b);
    expect(all.first).toBe(b);
    all.replace(undefined, c);
    all.replace(undefined, a);
    expect(all.first).toBe(a);
    all.replace(a, undefined);
    expect(all.first).toBe(b);
    all.replace(c, undefined);
    expect(all.first).toBe(b);
    all.replace(b, undefined);
    expect([all.first, all.size]).toEqual([undefined, 0]);
  });

  it('know the first by name, also where it left and a later one came since it was last asked for', () => {
    const [a, b, c] = [view('a'), view('b'), view('c')];
    const all = holding(a, b);
    expect(all.first).toBe(a);
    all.replace(a, undefined);
    all.replace(undefined, c);
    expect(all.first).toBe(b);
  });

  it('know the first that came of two that have one name in different namespaces', () => {
    const [a, other] = [view('a'), view('a')];
    expect(holding(a, other).first).toBe(a);
  });

  it('wait for a change while one of them is Created', () => {
    const [waiting, other] = [view('a', 'Created'), view('b', 'Created')];
    const all = holding(waiting, other);
    const assignedOne = view('a');
    all.replace(waiting, assignedOne);
    expect(all.hasTransient).toBe(true);
    all.replace(other, undefined);
    all.replace(other, undefined);
    expect(all.hasTransient).toBe(false);
    all.replace(assignedOne, undefined);
    expect(all.hasTransient).toBe(false);
  });
});
