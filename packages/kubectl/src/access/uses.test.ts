import { expect, test } from 'vitest';
import { identitiesInUse } from '../../../mic/src/commands/plug-in.ts';
import { createCrowd, fillCrowd } from '../../test/crowd.ts';
import { boundedByNamespace } from './uses.ts';

test('attack: thousands of pods with a hundred bindings each do not make a table that is too long to be printed', () => {
  const crowd = createCrowd();
  fillCrowd(crowd, 210, 100);
  crowd.bind('shop', 'reader', 'reader');
  crowd.pod('shop', 'web', 'reader');
  crowd.index.settle();
  const { kept, leftOut } = boundedByNamespace(identitiesInUse(crowd.index));
  expect(kept.length).toBe(20_001);
  expect(kept.at(-1)?.pod).toBe('shop/web');
  expect(leftOut).toEqual(['1000 more uses of identities in namespace crowd are left out']);
});

test('attack: nor do thousands of exceptions for each of many pods; entries for all identities of a machine come first', () => {
  const crowd = createCrowd();
  crowd.bind('crowd', 'reader', 'reader');
  crowd.pod('crowd', 'web', 'reader');
  crowd.index.settle();
  const bound = [...identitiesInUse(crowd.index)];
  const exempt = Array.from({ length: 20_005 }, (_, at) => ({
    pod: 'crowd/web',
    subject: { namespace: 'crowd', name: 'default' },
    targets: [],
    by: `AzurePodIdentityException crowd/${at}`,
  }));
  const { kept, leftOut } = boundedByNamespace(exempt, bound);
  expect([kept.length, kept.some(({ by }) => by.startsWith('AzureIdentity '))]).toEqual([20_000, false]);
  expect(leftOut).toEqual(['6 more uses of identities in namespace crowd are left out']);
});
