import { expect, it } from 'vitest';
import { createTurns } from './turns.ts';

/** Tasks that end when they are told to, in the order in which they began. */
const stage = () => {
  const turns = createTurns();
  const begun: string[] = [];
  const ends: (() => void)[] = [];
  const queue = (name: string, task: string, error?: Error) =>
    turns.run(name, () => {
      begun.push(task);
      const { promise, resolve, reject } = Promise.withResolvers<string>();
      ends.push(() => (error ? reject(error) : resolve(task)));
      return promise;
    });
  const endAll = async () => {
    for (let end = ends.shift(); end; end = ends.shift()) {
      end();
      await new Promise((resolve) => setImmediate(resolve));
    }
  };
  return { turns, begun, queue, endAll };
};

it('every task of a name is run, one after another, and names take turns', async () => {
  const { begun, queue, endAll } = stage();
  const all = ['a1', 'a2', 'a3', 'b1', 'b2', 'c1'].map(async (task) => queue(task.charAt(0), task));
  await endAll();
  expect(begun).toEqual(['a1', 'b1', 'c1', 'a2', 'b2', 'a3']);
  await expect(Promise.all(all)).resolves.toEqual(['a1', 'a2', 'a3', 'b1', 'b2', 'c1']);
});

it('goes on after a task that failed, and begins anew after it had nothing to do', async () => {
  const { queue, endAll } = stage();
  const failed = expect(queue('a', 'first', new Error('no'))).rejects.toThrow('no');
  const second = queue('a', 'second');
  await endAll();
  await failed;
  await expect(second).resolves.toBe('second');
  const third = queue('a', 'third');
  await endAll();
  await expect(third).resolves.toBe('third');
});

it('lets 64 tasks of a name wait, and has places again when one had its turn', async () => {
  const { queue, endAll } = stage();
  const first = queue('a', 'running');
  for (let n = 0; n < 64; n += 1) expect(queue('a', `waiting ${n}`)).toBeDefined();
  expect(queue('a', 'more')).toBeUndefined();
  expect(queue('b', 'other')).toBeDefined();
  await endAll();
  await first;
  expect(queue('a', 'again')).toBeDefined();
});
