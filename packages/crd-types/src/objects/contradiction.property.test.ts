import fc from 'fast-check';
import { expect, test } from 'vitest';
import { contradictionIn } from './contradiction.ts';
import { selectsLabels, type LabelRequirement, type LabelSelector, type Labels } from './label-selector.ts';

const key = fc.constantFrom('a', 'b');
const value = fc.constantFrom('x', 'y', '');
const requirement: fc.Arbitrary<LabelRequirement> = fc.oneof(
  fc.record({
    key,
    operator: fc.constantFrom('In' as const, 'NotIn' as const),
    values: fc.uniqueArray(value, { minLength: 1 }),
  }),
  fc.record({ key, operator: fc.constantFrom('Exists' as const, 'DoesNotExist' as const) }),
);
const selector: fc.Arbitrary<LabelSelector> = fc.record(
  { matchLabels: fc.dictionary(key, value), matchExpressions: fc.array(requirement, { maxLength: 8 }) },
  { requiredKeys: [] },
);

/** All labels of the two keys: absent, each value that a selector can name, and another one. */
const possible = [undefined, 'x', 'y', '', 'z'];
const everyLabels: readonly Labels[] = possible.flatMap((a) =>
  possible.map((b) => ({ ...(a !== undefined && { a }), ...(b !== undefined && { b }) })),
);

test('a selector has a contradiction exactly if no labels meet it', () => {
  let contradictions = 0;
  fc.assert(
    fc.property(selector, (one) => {
      const isMetBySome = everyLabels.some((labels) => selectsLabels(one, labels));
      const found = contradictionIn(one);
      if (found !== undefined) contradictions += 1;
      expect(found === undefined).toBe(isMetBySome);
    }),
    { numRuns: 1_000 },
  );
  expect(contradictions).toBeGreaterThan(100);
});
