import { expect, test } from 'vitest';
import { createEchoes, echoPatienceMs } from './echoes.ts';

const setUp = () => {
  const time = { now: 1_000 };
  return { time, echoes: createEchoes(() => time.now) };
};
const seen = (resourceVersion: string, uid = 'u1') => ({ uid, resourceVersion });

test('an object that was written is pending until the watch shows that version', () => {
  const { echoes } = setUp();
  echoes.wrote('ns/a', '10', seen('8'));
  echoes.heard('ns/a', seen('9'));
  expect(echoes.pendingUntil('ns/a')).toBe(1_000 + echoPatienceMs);
  echoes.heard('ns/a', seen('10'));
  expect(echoes.pendingUntil('ns/a')).toBeUndefined();
});

test('versions are compared as numbers: 9 is older than 10, 100 is newer', () => {
  const { echoes } = setUp();
  echoes.wrote('ns/a', '10', undefined);
  echoes.heard('ns/a', seen('9'));
  expect(echoes.pendingUntil('ns/a')).toBeDefined();
  echoes.heard('ns/a', seen('100'));
  expect(echoes.pendingUntil('ns/a')).toBeUndefined();
});

test('a watch that was faster than the response leaves nothing pending', () => {
  const { echoes } = setUp();
  echoes.wrote('ns/a', '10', seen('10'));
  echoes.removed('ns/b', 'u1', undefined);
  echoes.removed('ns/c', 'u1', seen('11', 'u2'));
  expect(['ns/a', 'ns/b', 'ns/c'].map((key) => echoes.pendingUntil(key))).toEqual([
    undefined,
    undefined,
    undefined,
  ]);
});

test('a deleted object is pending until the watch shows it gone or replaced', () => {
  const { echoes } = setUp();
  for (const key of ['ns/a', 'ns/b']) echoes.removed(key, 'u1', seen('5'));
  echoes.heard('ns/a', seen('6'));
  expect(echoes.pendingUntil('ns/a')).toBeDefined();
  echoes.heard('ns/a', undefined);
  echoes.heard('ns/b', seen('7', 'u2'));
  expect([echoes.pendingUntil('ns/a'), echoes.pendingUntil('ns/b')]).toEqual([undefined, undefined]);
});

test('an object that was deleted by others after the write is settled', () => {
  const { echoes } = setUp();
  echoes.wrote('ns/a', '10', undefined);
  echoes.heard('ns/a', undefined);
  expect(echoes.pendingUntil('ns/a')).toBeUndefined();
});

test('an echo that never arrives times out', () => {
  const { echoes, time } = setUp();
  echoes.wrote('ns/a', '10', undefined);
  time.now += echoPatienceMs;
  expect(echoes.pendingUntil('ns/a')).toBeUndefined();
});

// 'old': an echo of an earlier write, which settles nothing.
test.each([
  ['10', '10', 'settled'],
  ['10', '12', 'old'],
  ['12', '10', 'settled'],
  ['9', '10', 'old'],
  ['99', '100', 'old'],
  ['100', '99', 'settled'],
  ['x', '10', 'settled'],
  ['x9', '100', 'settled'],
  ['9x', '100', 'settled'],
  ['9', 'x10', 'settled'],
  ['9', '10x', 'settled'],
  ['x9', 'x10', 'settled'],
])('version %s after %s was written: %s (what is no number is taken as new)', (shown, wrote, expected) => {
  const { echoes } = setUp();
  echoes.wrote('ns/a', wrote, undefined);
  echoes.heard('ns/a', seen(shown));
  expect(echoes.pendingUntil('ns/a') === undefined ? 'settled' : 'old').toBe(expected);
});

test('a later write that the watch already shows settles earlier ones', () => {
  const { echoes } = setUp();
  for (const key of ['ns/a', 'ns/b']) echoes.wrote(key, '10', seen('9'));
  echoes.wrote('ns/a', '12', seen('12'));
  echoes.removed('ns/b', 'u1', undefined);
  expect([echoes.pendingUntil('ns/a'), echoes.pendingUntil('ns/b')]).toEqual([undefined, undefined]);
});
