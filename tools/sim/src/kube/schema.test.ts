import { describe, expect, test } from 'vitest';
import { prune } from './schema.ts';
import { validate } from './validate.ts';

describe('validation by schema features that the conformance rows do not use', () => {
  const text = { type: 'string' };
  test.each([
    ['anyOf', { anyOf: [{ required: ['a'] }, { required: ['b'] }] }, { b: 1 }, {}],
    ['oneOf', { oneOf: [{ required: ['a'] }, { required: ['b'] }] }, { a: 1 }, { a: 1, b: 1 }],
    ['allOf', { allOf: [{ required: ['a'] }, { required: ['b'] }] }, { a: 1, b: 1 }, { a: 1 }],
    ['not', { not: { required: ['a'] } }, {}, { a: 1 }],
    ['minProperties', { minProperties: 1 }, { a: 1 }, {}],
    ['maxProperties', { maxProperties: 1 }, { a: 1 }, { a: 1, b: 1 }],
    ['minItems', { minItems: 1 }, [1], []],
    [
      'nullable',
      { type: 'object', properties: { a: { ...text, nullable: true }, b: text } },
      { a: null },
      { b: null },
    ],
    ['date-time', { ...text, format: 'date-time' }, '2020-01-02T03:04:05Z', 'yesterday'],
    ['int32', { type: 'integer', format: 'int32' }, 2 ** 31 - 1, 2 ** 31],
    ['number', { type: 'number' }, 1.5, '1.5'],
    ['boolean', { type: 'boolean' }, true, 'true'],
  ])('%s', (...[, schema, good, bad]) => {
    expect(validate(schema, good, 'f')).toEqual([]);
    expect(validate(schema, bad, 'f').length).toBeGreaterThan(0);
  });
});

test('pruning returns the dropped fields, also in lists', () => {
  const schema = {
    type: 'object',
    properties: { list: { type: 'array', items: { type: 'object', properties: { a: {} } } } },
  };
  const { value, dropped } = prune(schema, { kind: 'K', list: [{ a: 1, b: 2 }], other: 1 });
  expect(value).toEqual({ kind: 'K', list: [{ a: 1 }] });
  expect(dropped).toEqual(['list[0].b', 'other']);
});
