import { createHash } from 'node:crypto';
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { sha256Hex } from './sha256.ts';

const reference = (text: string) => createHash('sha256').update(text).digest('hex');

test.each([0, 1, 54, 55, 56, 57, 63, 64, 65, 119, 120, 128, 1000])(
  'is the SHA-256 of node:crypto for %s bytes, which end at any place of a block',
  (length) => {
    const text = 'a'.repeat(length);
    expect(sha256Hex(text)).toBe(reference(text));
  },
);

test('is the SHA-256 of node:crypto for any text', () => {
  fc.assert(
    fc.property(fc.string({ unit: 'binary', maxLength: 200 }), (text) => {
      expect(sha256Hex(text)).toBe(reference(text));
    }),
    { numRuns: 500 },
  );
});
