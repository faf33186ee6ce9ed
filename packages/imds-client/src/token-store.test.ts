import { expect, test } from 'vitest';
import { createTokenStore, type StoredToken } from './token-store.ts';

function entry(request: number): StoredToken {
  const token = {
    token: `token ${request}`,
    expiresOnTimestamp: 0,
    tokenType: 'Bearer',
    resource: 'r',
  } as const;
  return { token, storedAt: 0, storedElapsed: 0, request, quietUntil: 0 };
}

test('a late response does not replace that of a newer request', () => {
  const store = createTokenStore(10);
  store.store('k', entry(2));
  store.store('k', entry(1));
  expect(store.recall('k')?.request).toBe(2);
  store.store('k', entry(3));
  expect(store.recall('k')?.request).toBe(3);
});

test('the least recently used token is evicted first', () => {
  const store = createTokenStore(2);
  store.store('a', entry(1));
  store.store('b', entry(2));
  store.recall('a');
  store.store('c', entry(3));
  expect(['a', 'b', 'c'].map((key) => store.recall(key)?.request)).toEqual([1, undefined, 3]);
});

test('storing a token again evicts no other', () => {
  const store = createTokenStore(2);
  store.store('a', entry(1));
  store.store('b', entry(2));
  store.store('b', entry(3));
  expect(store.recall('a')?.request).toBe(1);
});
