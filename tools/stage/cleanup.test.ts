import { expect, test } from 'vitest';
import { createCleanup } from './cleanup.ts';

const setUp = () => {
  const done: string[] = [];
  const failures: unknown[] = [];
  const cleanup = createCleanup((error) => failures.push(error));
  const step = (name: string) => () => Promise.resolve(void done.push(name));
  return { done, failures, cleanup, step };
};

test('steps run once, one by one in the reverse order, also after one that fails', async () => {
  const { done, failures, cleanup, step } = setUp();
  cleanup.add(step('first'));
  cleanup.add(() => Promise.reject(new Error('no')));
  cleanup.add(() => {
    throw new Error('not even begun');
  });
  cleanup.add(step('last'));
  await Promise.all([cleanup.run(), cleanup.run()]);
  await cleanup.run();
  expect(done).toEqual(['last', 'first']);
  expect(failures).toEqual([new Error('not even begun'), new Error('no')]);
});

test('nothing can be started while it runs, nor afterwards', async () => {
  const { done, cleanup, step } = setUp();
  const start = () => Promise.resolve(done.push('started'));
  cleanup.checkOpen();
  const over = cleanup.run();
  expect(() => cleanup.checkOpen()).toThrow('is being stopped');
  await expect(cleanup.start(start, step('stopped'))).rejects.toThrow('is being stopped');
  await over;
  expect(() => cleanup.checkOpen()).toThrow('is being stopped');
  await expect(cleanup.start(start, step('stopped'))).rejects.toThrow('is being stopped');
  expect(done).toEqual([]);
});

test('what is being started when it begins is awaited and stopped, before what was started earlier', async () => {
  const { done, cleanup, step } = setUp();
  const starting = Promise.withResolvers<string>();
  cleanup.add(step('server'));
  const started = cleanup.start(
    () => starting.promise,
    (name) => Promise.resolve(void done.push(name)),
  );
  const over = cleanup.run();
  starting.resolve('object');
  await expect(started).resolves.toBe('object');
  await over;
  expect(done).toEqual(['object', 'server']);
});

test('what failed to start is not stopped', async () => {
  const { done, failures, cleanup, step } = setUp();
  const failing = () => Promise.reject(new Error('refused'));
  await expect(cleanup.start(failing, step('stopped'))).rejects.toThrow('refused');
  await cleanup.run();
  expect([done, failures]).toEqual([[], []]);
});
