import { describe, expect, it } from 'vitest';
import { createFairQueue, type FairQueue, type Tenant } from './fair-queue.ts';

interface Item {
  readonly name: string;
}
const limits = { total: 12, perNamespace: 8, perPod: 4 };
const of = (namespace: string, pod = 'a'): Tenant => ({ namespace, pod });
const item = (name: string): Item => ({ name });
const drain = (queue: FairQueue<Item>, namespace: string) => {
  const names: string[] = [];
  for (let next = queue.next(namespace); next; next = queue.next(namespace)) names.push(next.name);
  return names;
};

describe('a fair queue', () => {
  it('serves the pods of a namespace in turn, and the items of a pod in their order', () => {
    const queue = createFairQueue<Item>(limits);
    for (const name of ['a1', 'a2', 'a3']) queue.add(of('noisy', 'a'), item(name));
    queue.add(of('noisy', 'b'), item('b1'));
    queue.add(of('quiet'), item('q1'));
    expect(drain(queue, 'noisy')).toEqual(['a1', 'b1', 'a2', 'a3']);
    expect(drain(queue, 'quiet')).toEqual(['q1']);
    expect(queue.size).toBe(0);
  });

  it('limits a pod and a namespace', () => {
    const queue = createFairQueue<Item>(limits);
    const add = (pod: string) => queue.add(of('noisy', pod), item(pod)).kind;
    const kinds = Array.from({ length: 6 }, () => add('a'));
    expect(kinds).toEqual(['added', 'added', 'added', 'added', 'full', 'full']);
    for (let index = 0; index < 20; index += 1) add(`pod-${index}`);
    expect(queue.size).toBe(limits.perNamespace);
  });

  it('at the limit of a namespace, a pod with at least two items less displaces the newest item of the pod with most', () => {
    const queue = createFairQueue<Item>({ ...limits, perNamespace: 4 });
    for (const name of ['a1', 'a2', 'a3', 'a4']) queue.add(of('one', 'a'), item(name));
    expect(queue.add(of('one', 'b'), item('b1'))).toMatchObject({ displaced: { name: 'a4' } });
    expect(drain(queue, 'one')).toEqual(['a1', 'b1', 'a2', 'a3']);
  });

  it('when the queue is full, a namespace with at least two items less displaces the newest item of the namespace with most', () => {
    const queue = createFairQueue<Item>({ total: 4, perNamespace: 4, perPod: 4 });
    for (const name of ['a1', 'a2', 'a3', 'a4']) queue.add(of('noisy'), item(name));
    expect(queue.add(of('quiet'), item('q1'))).toMatchObject({ displaced: { name: 'a4' } });
    expect(queue.add(of('quiet'), item('q2'))).toMatchObject({ kind: 'added' });
    expect(queue.add(of('quiet'), item('q3'))).toEqual({ kind: 'full' });
    expect([drain(queue, 'noisy'), drain(queue, 'quiet')]).toEqual([
      ['a1', 'a2'],
      ['q1', 'q2'],
    ]);
  });

  it('an item is removed once', () => {
    const queue = createFairQueue<Item>(limits);
    const one = item('one');
    queue.add(of('a'), one);
    expect([queue.remove(one), queue.remove(one), queue.size]).toEqual([of('a'), undefined, 0]);
    expect(queue.next('a')).toBeUndefined();
  });
});
