import { expect, test } from 'vitest';
import { identitiesInUse } from '../../../mic/src/commands/plug-in.ts';
import { createCrowd, fillCrowd } from '../../test/crowd.ts';
import { fewOfEach } from './inventory.ts';

test('attack: thousands of pods with a hundred bindings each do not make an inventory that is too long to be printed', () => {
  const crowd = createCrowd();
  fillCrowd(crowd, 210, 100);
  crowd.bind('shop', 'reader', 'reader');
  crowd.pod('shop', 'web', 'reader');
  crowd.index.settle();
  const { kept, leftOut } = fewOfEach(identitiesInUse(crowd.index));
  expect(kept.length).toBe(20_001);
  expect(kept.at(-1)?.pod).toBe('shop/web');
  expect(leftOut).toEqual(['1000 more uses of identities in namespace crowd are left out']);
});
