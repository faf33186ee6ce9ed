import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { KubeError } from './errors.ts';
import { JsonItems } from './json-items.ts';

/** The bytes in pieces of the given sizes, repeated. */
function pieces(bytes: Buffer, sizes: readonly number[]): Buffer[] {
  const cut: Buffer[] = [];
  for (let at = 0, turn = 0; at < bytes.length; turn += 1) {
    const size = sizes[turn % sizes.length] ?? 64;
    cut.push(bytes.subarray(at, at + size));
    at += size;
  }
  return cut;
}

const names = fc.constantFrom('a', 'kind', 'items', 'x"y', 'back\\slash', 'ü');
const json = fc.letrec((tie) => ({
  value: fc.oneof(
    { maxDepth: 4 },
    fc.string({ unit: 'binary' }),
    fc.string({ unit: fc.constantFrom('\\', '"', 'x'), maxLength: 200 }),
    fc.double({ noNaN: true, noDefaultInfinity: true }).map((number) => number + 0),
    fc.constantFrom(null, true, false, '', 0),
    fc.array(tie('value'), { maxLength: 4 }),
    fc.dictionary(names, tie('value'), { maxKeys: 5 }),
  ),
}));

function streamed(text: string, sizes: readonly number[] = []): unknown[] {
  const values: unknown[] = [];
  const reader = new JsonItems({ isStream: true, onItem: (item) => values.push(item) });
  for (const piece of pieces(Buffer.from(text), sizes)) reader.push(piece);
  return values;
}

describe('a stream of objects', () => {
  test('returns the same as JSON.parse, wherever the stream is cut', () => {
    const sizes = fc.array(fc.integer({ min: 1, max: 90 }), { maxLength: 5 });
    const spaces = fc.constantFrom(undefined, 1);
    fc.assert(
      fc.property(fc.array(json.value), sizes, spaces, (given, cuts, indent) => {
        const values = given.map((value) => ({ value }));
        const text = values.map((value) => `${JSON.stringify(value, null, indent)}\n`).join('');
        expect(streamed(text, cuts)).toEqual(
          values.map((value) => JSON.parse(JSON.stringify(value)) as unknown),
        );
      }),
      { numRuns: 500 },
    );
  });

  test.each([
    ['a plain text', 'x'.repeat(1_000_000)],
    ['quotes', '"'.repeat(500_000)],
    ['backslashes', '\\'.repeat(500_000)],
    ['a backslash after every 64 characters', `${'x'.repeat(63)}\\`.repeat(10_000)],
    ['brackets', '{[}]'.repeat(200_000)],
    ['deep lists', JSON.parse(`${'['.repeat(1_000)}${']'.repeat(1_000)}`) as unknown],
    ['many members', Object.fromEntries(Array.from({ length: 50_000 }, (_, n) => [`member-${n}`, '1']))],
  ])('is read past %s', (_, junk) => {
    const object = { metadata: { annotations: { junk }, name: 'a' }, junk, spec: { b: 1 } };
    expect(streamed(JSON.stringify(object), [65_536, 1, 40_000])).toEqual([object]);
  });

  test.each([
    ...['{"a":1', '[1,', '{"a" 1}', '{a:1}', '{"a":1}}', '{"a":tru}', '{"a":}', '{"a"}', '{"a":1 "b":2}'],
    ...['{,}', '{"a"::1}', '{"a":1]', '{"b",1}', '{"b"]', '{:1}', '{"a":{"b":1}', '}', ']', '{"b":]}'],
  ])('%s is no JSON', (text) => {
    const reader = new JsonItems({});
    expect(() => {
      reader.push(Buffer.from(text));
      if (reader.end() === undefined) throw new KubeError('transport', 'incomplete');
    }).toThrow(KubeError);
  });
});

describe('a list', () => {
  test('passes on each item as it arrives, wherever the metadata is', () => {
    const got: unknown[] = [];
    const reader = new JsonItems({ onItem: (item) => got.push(item) });
    reader.push(Buffer.from('{"items":[{"metadata":{"name":"a"}},{"metadata":{"na'));
    expect(got).toEqual([{ metadata: { name: 'a' } }]);
    reader.push(Buffer.from('me":"b"}}],"kind":"List","metadata":{"resourceVersion":"7","continue":"c"}}'));
    expect(got).toHaveLength(2);
    expect(reader.end()).toEqual({
      items: [],
      kind: 'List',
      metadata: { resourceVersion: '7', continue: 'c' },
    });
  });

  test('is what JSON.parse makes of it, wherever the stream is cut', () => {
    const sizes = fc.array(fc.integer({ min: 1, max: 90 }), { maxLength: 5 });
    const lists = fc.record({
      first: json.value,
      items: fc.array(fc.dictionary(names, json.value, { maxKeys: 5 }), { maxLength: 6 }),
      last: json.value,
    });
    fc.assert(
      fc.property(lists, sizes, fc.constantFrom(undefined, 1), (list, cuts, indent) => {
        const got: unknown[] = [];
        const reader = new JsonItems({ onItem: (item) => got.push(item) });
        for (const piece of pieces(Buffer.from(JSON.stringify(list, null, indent)), cuts)) reader.push(piece);
        const wanted = JSON.parse(JSON.stringify(list)) as typeof list;
        expect(reader.end()).toEqual({ ...wanted, items: [] });
        expect(got).toEqual(wanted.items);
      }),
      { numRuns: 1_000 },
    );
  });

  test('attack: a pod whose text the API server writes in six times as many bytes as it stores ends neither list nor watch', () => {
    const value = String.raw`\u003c`.repeat(3 * 512 * 1024);
    const got: unknown[] = [];
    const reader = new JsonItems({ onItem: (item) => got.push(item) });
    for (const piece of [`{"items":[{"env":"`, value, '"}]}']) reader.push(Buffer.from(piece));
    expect(got).toEqual([{ env: '<'.repeat(3 * 512 * 1024) }]);
    expect(reader.end()).toEqual({ items: [] });
  });

  test('attack: an object larger than any that the API server stores ends the response before it fills the memory', () => {
    const reader = new JsonItems({ onItem: () => undefined });
    reader.push(Buffer.from('{"items":[{"a":"'));
    const more = Buffer.from('x'.repeat(64 * 1024));
    expect(() => {
      for (let pushed = 0; pushed < 400; pushed += 1) reader.push(more);
    }).toThrow('larger than the API server stores');
  });

  test.each(['{"items":["a"]}', '{"items":[1,{}]}', '{"items":[{}x]}'])(
    '%s is no list of objects',
    (text) => {
      const reader = new JsonItems({ onItem: () => undefined });
      expect(() => reader.push(Buffer.from(text))).toThrow('not JSON');
    },
  );

  test.each(['{"items":null,"metadata":{}}', '{"items":[],"metadata":{}}', '{"metadata":{}}'])(
    '%s has no items',
    (text) => {
      const got: unknown[] = [];
      const reader = new JsonItems({ onItem: (item) => got.push(item) });
      reader.push(Buffer.from(text));
      expect(reader.end()).toMatchObject({ metadata: {} });
      expect(got).toEqual([]);
    },
  );
});
