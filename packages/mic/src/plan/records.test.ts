import { expect, test } from 'vitest';
import { Records } from './records.ts';
import { assigned } from './test/builders.ts';

test('a record is found by its name and by its pod, also after it has come to name another pod', () => {
  const records = new Records();
  const key = 'default/web-0-shop-reader';
  const [first, second] = [assigned(), { ...assigned(), podName: 'web-1' }];
  records.set(key, first);
  expect([records.at(key), ...records.of('shop/web-0')]).toEqual([first, first]);
  records.set(key, second);
  expect([records.of('shop/web-0').length, ...records.of('shop/web-1')]).toEqual([0, second]);
  records.set(key, undefined);
  expect([records.at(key), records.of('shop/web-1').length, records.keys()]).toEqual([undefined, 0, []]);
});
