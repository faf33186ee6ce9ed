import { expect, test } from 'vitest';
import { checkPrivateField } from './group-worker.ts';

test('a version of Vitest that does not use the private field of its worker is refused', () => {
  const [renamed, refusing] = [{ on: () => undefined }, { on: () => expect.unreachable() }];
  for (const prototype of [renamed, refusing])
    expect(() => checkPrivateField(prototype)).toThrow('has no field `_fork` any more');
  expect(() => checkPrivateField()).not.toThrow();
});
