import { createFakeClock } from '@pod-identity/kit/testing';
import { expect, it } from 'vitest';
import { createRefusedCertificates } from './refused-certificates.ts';

it('what was refused is known for ten minutes, in its namespace alone', async () => {
  const clock = createFakeClock();
  const refused = createRefusedCertificates(clock);
  refused.note('a', 'x', 'no key');
  await clock.advance(599_999);
  expect([refused.recall('a', 'x'), refused.recall('b', 'x'), refused.recall('a', 'y')]).toEqual([
    ...['no key', undefined, undefined],
  ]);
  await clock.advance(1);
  expect(refused.recall('a', 'x')).toBeUndefined();
});

it('what is noted later forgets nothing that still counts', async () => {
  const clock = createFakeClock();
  const refused = createRefusedCertificates(clock);
  refused.note('a', 'old', 'no key');
  await clock.advance(300_000);
  refused.note('a', 'new', 'no certificate');
  refused.note('b', 'other', 'no key');
  expect([refused.recall('a', 'old'), refused.recall('a', 'new')]).toEqual(['no key', 'no certificate']);
  await clock.advance(300_000);
  refused.note('b', 'another', 'no key');
  expect([refused.recall('a', 'old'), refused.recall('a', 'new')]).toEqual([undefined, 'no certificate']);
});

it('of a namespace 32 are known: for a new one the oldest goes, and none of another namespace', () => {
  const refused = createRefusedCertificates(createFakeClock());
  refused.note('quiet', 'x', 'no key');
  for (let n = 0; n < 32; n += 1) refused.note('hostile', `digest ${n}`, 'no key');
  expect(refused.recall('hostile', 'digest 0')).toBe('no key');
  refused.note('hostile', 'one more', 'no key');
  expect(['digest 0', 'digest 1', 'one more'].map((digest) => refused.recall('hostile', digest))).toEqual([
    undefined,
    'no key',
    'no key',
  ]);
  expect(refused.recall('quiet', 'x')).toBe('no key');
});
