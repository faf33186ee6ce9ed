import { expect, test } from 'vitest';
import type { MatchedIdentity, MatchSet } from './match-set.ts';
import { Results } from './results.ts';

let made = 0;

function matchOf(name: string, meaning = ''): MatchedIdentity {
  const metadata = { namespace: 'shop', name };
  return { identityKey: `shop/${name}`, identity: {}, binding: { metadata }, meaning } as MatchedIdentity;
}

function setOf(matches: readonly MatchedIdentity[]): MatchSet {
  made += 1;
  return { matches, mismatches: [], needs: [], grants: [], uses: [], hasOwn: false, meaningId: made };
}

const many = (count: number) => setOf(Array.from({ length: count }, (_, index) => matchOf(`id-${index}`)));

test('the results that a namespace keeps are limited, however many labels and variants it has', () => {
  const results = new Results();
  const keys: { readonly label: string; readonly variant: string }[] = [];
  for (let label = 0; label < 25; label += 1)
    for (let number = 0; number < 1000; number += 1) {
      const key = { label: `label-${label}`, variant: `${number}` };
      keys.push(key);
      results.put(key.label, key.variant, many(100));
    }
  const kept = keys.filter(({ label, variant }) => results.get(label, variant));
  expect(kept.length * 101).toBeLessThanOrEqual(50_000);
  expect(kept).toContain(keys.at(-1));
});

test('labels and variants with few matches are kept, thousands of them', () => {
  const results = new Results();
  for (let number = 0; number < 16_000; number += 1)
    results.put(`label-${number % 800}`, `${number}`, many(2));
  expect(results.get('label-0', '0')).toBeDefined();
});

test('what is forgotten counts no more', () => {
  const results = new Results();
  const kept = results.put('web', 'a', many(3));
  for (let round = 0; round < 100; round += 1) {
    for (let number = 0; number < 10; number += 1) results.put('api', `${number}`, many(100));
    results.forgetLabel('api');
  }
  expect([results.get('web', 'a'), results.get('api', '0')]).toEqual([kept, undefined]);
});

test('after a change a result is made again: the same one if it is equal, another that says the same if only copies are new', () => {
  const results = new Results();
  const [one, two] = [matchOf('one'), matchOf('two')];
  const first = results.put('web', '', setOf([one, two]));
  const other = results.put('api', '', setOf([one]));
  results.labelChanged('web');
  expect([results.get('web', ''), results.get('api', '')]).toEqual([undefined, other]);
  expect(results.put('web', '', setOf([one, two]))).toBe(first);
  results.allChanged();
  expect([results.get('web', ''), results.get('api', '')]).toEqual([undefined, undefined]);
  const copied = results.put('web', '', setOf([one, matchOf('two')]));
  expect(copied).not.toBe(first);
  expect(copied.meaningId).toBe(first.meaningId);
  expect(results.get('web', '')).toBe(copied);
  results.allChanged();
  for (const matches of [[one], [one, matchOf('two', 'other')], [two, one], [one, two, matchOf('three')]]) {
    expect(results.put('web', '', setOf(matches)).meaningId).not.toBe(first.meaningId);
    results.put('web', '', { ...setOf([one, two]), meaningId: first.meaningId });
  }
});

test('a result with other reasons says something else', () => {
  const results = new Results();
  const withReason = (binding: string): MatchSet => ({
    ...setOf([]),
    mismatches: [{ reason: 'identity-missing', binding, identity: 'shop/one' }],
  });
  const first = results.put('web', '', withReason('shop/a'));
  results.allChanged();
  expect(results.put('web', '', withReason('shop/a'))).toBe(first);
  expect(results.put('web', '', withReason('shop/b')).meaningId).not.toBe(first.meaningId);
});
