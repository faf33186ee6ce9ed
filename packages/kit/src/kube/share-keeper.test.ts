import { expect, test } from 'vitest';
import { createShareKeeper } from './share-keeper.ts';

const open = () => createShareKeeper({ kind: { kind: 'AzureIdentity' } });
const objectOf = (namespace: string, name: string) => ({ key: `${namespace}/${name}`, uid: name });
const nameAll = (
  keeper: ReturnType<typeof open>,
  count: number,
  of: (at: number) => { key: string; uid: string },
) => Array.from({ length: count }, (_, at) => keeper.name(of(at))).filter(Boolean).length;

test('left out objects are named again after those that were named before were deleted', () => {
  const keeper = open();
  expect(nameAll(keeper, 40, (at) => objectOf('shop', `old-${at}`))).toBe(16);
  for (let at = 0; at < 40; at += 1) keeper.remove(`shop/old-${at}`);
  expect(keeper.named.size).toBe(0);
  expect(nameAll(keeper, 40, (at) => objectOf('shop', `new-${at}`))).toBe(16);
});

test('namespaces whose named objects were deleted leave their places to others', () => {
  const keeper = open();
  expect(nameAll(keeper, 300, (at) => objectOf(`hostile-${at}`, 'a'))).toBe(256);
  for (let at = 0; at < 300; at += 1) keeper.remove(`hostile-${at}/a`);
  expect(keeper.name(objectOf('shop', 'a'))).toBe(true);
});

test('the deletion of objects that are not named makes no room', () => {
  const keeper = open();
  nameAll(keeper, 16, (at) => objectOf('shop', `a-${at}`));
  for (let at = 0; at < 16; at += 1) keeper.remove(`shop/b-${at}`);
  expect(keeper.name(objectOf('shop', 'c'))).toBe(false);
  keeper.forget('shop');
  expect([keeper.named.size, keeper.name(objectOf('shop', 'c'))]).toEqual([0, true]);
});
