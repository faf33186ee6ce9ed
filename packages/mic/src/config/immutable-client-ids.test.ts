import { expect, test } from 'vitest';
import { immutableClientIds } from './immutable-client-ids.ts';

test('identities of the flag and the cluster’s own are never detached', () => {
  expect([...immutableClientIds(['one', 'two'], 'OWN')]).toEqual(['one', 'two', 'own']);
});

test('a cluster without an identity of its own protects nothing by an empty client id', () => {
  expect([...immutableClientIds(['one'], '')]).toEqual(['one']);
  expect([...immutableClientIds([''], '')]).toEqual([]);
});
