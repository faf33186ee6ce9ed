import fc from 'fast-check';
import { expect, test } from 'vitest';
import { createLastFirst } from './last-first.ts';

test('finds the last of the set after any additions and removals', () => {
  const step = fc.oneof(
    fc.record({ kind: fc.constant('add' as const), value: fc.integer({ min: 0, max: 1_000 }) }),
    fc.record({ kind: fc.constant('remove' as const), value: fc.nat() }),
    fc.record({ kind: fc.constant('ask' as const), value: fc.constant(0) }),
  );
  fc.assert(
    fc.property(fc.array(step, { maxLength: 300 }), (steps) => {
      const set = new Set<{ value: number }>();
      const order = createLastFirst<{ value: number }>((one, other) => one.value < other.value, {
        counts: (one) => set.has(one),
        size: () => set.size,
      });
      for (const { kind, value } of steps) {
        if (kind === 'add') {
          const one = { value };
          set.add(one);
          order.add(one);
        }
        if (kind === 'remove') set.delete([...set][value % Math.max(1, set.size)] ?? { value });
        const largest = set.size === 0 ? undefined : Math.max(...[...set].map((one) => one.value));
        expect(order.last()?.value).toBe(largest);
      }
    }),
  );
});
