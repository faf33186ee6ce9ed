import { expect, test } from 'vitest';
import { createTakenNames } from './taken-names.ts';

function setUp() {
  const asked: string[] = [];
  const records = {
    leavesOut: (namespace: string) => namespace === 'evil',
    askForList: () => asked.push('list'),
  };
  // Only these two keys are queried.
  const names = createTakenNames(
    () => records as unknown as ReturnType<Parameters<typeof createTakenNames>[0]>,
  );
  return { names, asked };
}

test('a taken name of a namespace that is over its share is kept, and all is listed again', () => {
  const { names, asked } = setUp();
  names.add('evil/one');
  expect([names.has('evil/one'), names.has('evil/two'), asked.length]).toEqual([true, false, 1]);
});

test('elsewhere nothing is left out: the record is seen anyway', () => {
  const { names, asked } = setUp();
  names.add('shop/one');
  expect([names.has('shop/one'), asked.length]).toEqual([false, 0]);
});

test('a thousand names are kept; with one more only that one', () => {
  const { names } = setUp();
  for (let at = 0; at < 1_000; at += 1) names.add(`evil/n${at}`);
  expect([names.has('evil/n0'), names.has('evil/n999')]).toEqual([true, true]);
  names.add('evil/more');
  expect([names.has('evil/n0'), names.has('evil/n999'), names.has('evil/more')]).toEqual([
    false,
    false,
    true,
  ]);
});
