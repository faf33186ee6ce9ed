import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { nearMiss } from './near-miss.ts';

describe('a key is a near miss of podSelector', () => {
  test.each([
    ['podSelector'],
    ['podSelectors'],
    ['podselctor'],
    ['podSelectro'],
    ['podSeelctor'],
    ['podSellector'],
    ['odSelector'],
    ['myPodSelector'],
    ['thPodSelector'],
    ['PODSELECTOR'],
    ['pod_selector'],
    ['pod-selector'],
    ['-p-o-d-s-e-l-e-c-t-o-r-s'],
    ['podſelector'],
    ['podSelector\u200b'],
  ])('%j', (key) => {
    expect(nearMiss(key, ['default', 'podselector', 'podselectors'])).toBe('podselector');
  });

  test.each([
    ['selector'],
    ['thePodSelector'],
    ['podLabels'],
    ['pdSlector'],
    ['podSelectedBy'],
    ['podSelect0rs!'],
    ['pod'],
    [''],
    ['podSelector-------------x'],
  ])('%j is none', (key) => {
    expect(nearMiss(key, ['podselector'])).toBeUndefined();
  });
});

test('it is so exactly if the same letters are left before and behind one place of at most two letters', () => {
  const letters = (maxLength: number) =>
    fc.string({ unit: fc.constantFrom('a', 'b', 'c'), minLength: 0, maxLength });
  fc.assert(
    fc.property(letters(8), letters(8), (key, name) => {
      const [most, fewest] = [Math.max(key.length, name.length), Math.min(key.length, name.length)];
      const wanted = Array.from({ length: fewest + 1 }, (_, start) => start).some((start) =>
        [0, 1, 2].some((place) => {
          const end = most - start - place;
          if (end < 0 || start + end > fewest) return false;
          return (
            key.slice(0, start) === name.slice(0, start) &&
            key.slice(key.length - end) === name.slice(name.length - end)
          );
        }),
      );
      expect(nearMiss(key, [name])).toBe(wanted ? name : undefined);
    }),
  );
});
