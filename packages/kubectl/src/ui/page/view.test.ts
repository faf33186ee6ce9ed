import fc from 'fast-check';
import { expect, test } from 'vitest';
import { fragmentOf, takeToken, viewOf, wholeView, type View } from './view.ts';
import { states } from './words.ts';

test('the address bar holds every view, with any names', () => {
  const text = fc.string({ unit: 'binary', maxLength: 12 }).filter((one) => one.isWellFormed());
  const views: fc.Arbitrary<View> = fc.record({
    namespace: text,
    states: fc.subarray([...states]),
    identity: text,
    search: text,
    isTable: fc.boolean(),
    columns: fc.constantFrom('all', 'few', undefined),
    thing: text,
    open: fc.array(text, { maxLength: 3 }),
  });
  fc.assert(
    fc.property(views, (view) => {
      expect(viewOf(`#${fragmentOf(view)}`)).toEqual(view);
    }),
  );
});

test('what is not understood in an address is left out', () => {
  expect(viewOf('#state=angry,ready&columns=7&as=poem&__proto__=x')).toEqual({
    ...wholeView,
    states: ['ready'],
  });
  expect(viewOf('#%E0%A4%A&open=a')).toEqual({ ...wholeView, open: ['a'] });
  expect(viewOf(`#search=${'x'.repeat(100_000)}`).search).toHaveLength(600);
});

test('the token leaves the address, the view stays', () => {
  expect(takeToken('#token=abc&search=web')).toEqual({ token: 'abc', rest: 'search=web' });
  expect(takeToken('#search=web')).toEqual({ token: undefined, rest: 'search=web' });
});
