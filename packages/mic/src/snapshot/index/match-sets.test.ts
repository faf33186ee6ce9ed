import { expect, test } from 'vitest';
import type { MatchedIdentity, MatchSet } from './match-set.ts';
import { MatchSets } from './match-sets.ts';

function setOf(matches: number): MatchSet {
  const one = {} as MatchedIdentity;
  return {
    matches: Array.from({ length: matches }, () => one),
    mismatches: [],
    needs: [],
    grants: [],
    uses: [],
  };
}

test('the results that a namespace keeps are limited, however many labels and variants it has', () => {
  const sets = new MatchSets();
  const other = sets.put({ label: 'web', namespace: 'other', variant: 'a' }, setOf(1));
  const made: { readonly label: string; readonly variant: string }[] = [];
  for (let label = 0; label < 25; label += 1)
    for (let number = 0; number < 1000; number += 1) {
      const key = { label: `label-${label}`, variant: `${number}` };
      made.push(key);
      sets.put({ ...key, namespace: 'shop' }, setOf(100));
    }
  const kept = made.filter(({ label, variant }) => sets.get(label, 'shop', variant));
  expect(kept.length * 101).toBeLessThanOrEqual(50_000);
  expect(kept).toContain(made.at(-1));
  expect(sets.get('web', 'other', 'a')).toBe(other);
});

test('labels and variants with few matches are kept, thousands of them', () => {
  const sets = new MatchSets();
  for (let number = 0; number < 16_000; number += 1)
    sets.put({ label: `label-${number % 800}`, namespace: 'shop', variant: `${number}` }, setOf(2));
  expect(sets.get('label-0', 'shop', '0')).toBeDefined();
});

test('what is forgotten counts no more', () => {
  const sets = new MatchSets();
  const fill = (namespace = 'shop') => {
    for (const label of ['web', 'api'])
      for (const variant of ['a', 'b']) sets.put({ label, namespace, variant }, setOf(3));
  };
  fill();
  fill('other');
  expect(sets.weight('shop')).toBe(16);
  sets.forget('web', 'shop');
  expect(sets.weight('shop')).toBe(8);
  sets.forgetLabel('api');
  expect([sets.weight('shop'), sets.weight('other')]).toEqual([0, 8]);
  fill();
  sets.forgetVariants('shop');
  expect([sets.weight('shop'), sets.get('web', 'shop', 'a')]).toEqual([0, undefined]);
  fill();
  sets.put({ label: 'web', namespace: 'shop' }, setOf(0));
  expect(sets.weight('shop')).toBe(8);
  sets.forgetNamespace('shop');
  expect([sets.weight('shop'), sets.get('web', 'shop')]).toEqual([0, undefined]);
});
