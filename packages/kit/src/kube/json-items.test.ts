import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { lowerAscii } from '../core/lower-ascii.ts';
import { pick, tooLargeIn, type Fields, type TooLarge } from './fields.ts';
import { createResponseReader, createEventReader } from './response-reader.ts';
import { KubeError } from './errors.ts';
import { JsonItems } from './json-items.ts';

const incomplete = () => new KubeError('transport', 'incomplete');

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

function sieve(text: string, fields: Fields, sizes: readonly number[] = []) {
  const values: unknown[] = [];
  const tooLarge: TooLarge[] = [];
  const reader = new JsonItems({
    isStream: true,
    onItem(item) {
      const value = pick(item, fields);
      values.push(value);
      tooLarge.push(...tooLargeIn(value));
    },
  });
  for (const piece of pieces(Buffer.from(text), sizes)) reader.push(piece);
  return { values, tooLarge };
}

/** The same by JSON.parse, for values below all limits. */
function expected(value: unknown, fields: Fields): unknown {
  if ('upTo' in fields || typeof value !== 'object' || value === null || Array.isArray(value)) return value;
  const wanted = new Map(
    Object.entries(fields.members).map(([name, inner]) => [fields.anyCase ? lowerAscii(name) : name, inner]),
  );
  return Object.fromEntries(
    Object.entries(value).flatMap(([key, member]) => {
      const inner = wanted.get(fields.anyCase ? lowerAscii(key) : key);
      return inner ? [[key, expected(member, inner)]] : [];
    }),
  );
}

const asciiNames = fc.constantFrom(
  'a',
  'B',
  'kind',
  'Kind',
  'spec',
  'Spec',
  'x"y',
  'back\\slash',
  'metadata',
);
const names = fc.oneof(asciiNames, fc.constantFrom('ü', '\u212aind'));
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
  fields: fc.oneof(
    { maxDepth: 3 },
    fc.constant({ upTo: 1_000_000 }),
    fc.record({ members: fc.dictionary(asciiNames, tie('fields'), { maxKeys: 4 }), anyCase: fc.boolean() }),
  ),
}));

describe('a stream of objects', () => {
  test('returns the same as JSON.parse, wherever the stream is cut', () => {
    const sizes = fc.array(fc.integer({ min: 1, max: 90 }), { maxLength: 5 });
    const spaces = fc.constantFrom(undefined, 1);
    fc.assert(
      fc.property(
        fc.array(json.value),
        json.fields,
        fc.record({ cuts: sizes, indent: spaces }),
        (given, inner, how) => {
          const { cuts, indent } = how;
          const values = given.map((value) => ({ value }));
          const fields: Fields = { members: { value: inner as Fields } };
          const text = values.map((value) => `${JSON.stringify(value, null, indent)}\n`).join('');
          const wanted = values.map((value) => JSON.parse(JSON.stringify(value)) as unknown);
          const read = sieve(text, fields, cuts);
          fc.pre(read.tooLarge.length === 0);
          expect(read.values).toEqual(wanted.map((value) => expected(value, fields)));
        },
      ),
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
  ])('passes over %s', (_, junk) => {
    const object = {
      metadata: { annotations: { junk }, name: 'a', managedFields: [junk] },
      junk,
      spec: { b: 1 },
    };
    const fields: Fields = {
      members: { metadata: { members: { name: { upTo: 10 } } }, spec: { members: { b: { upTo: 10 } } } },
    };
    const { values, tooLarge } = sieve(JSON.stringify(object), fields, [65_536, 1, 40_000]);
    expect(values).toEqual([{ metadata: { name: 'a' }, spec: { b: 1 } }]);
    expect(tooLarge).toEqual([]);
  });

  test.each([65_536, 509, 7])(
    'passes over names of any length with escape sequences, in pieces of %i bytes',
    (size) => {
      const fields: Fields = { members: { spec: { members: { a: { upTo: 10 } }, anyCase: true } } };
      for (let length = 500; length < 520; length += 1)
        for (const name of ['\n', '"', '\\', '\u0001', 'ü'].map(
          (end) => 'x'.repeat(length) + end.repeat(300),
        )) {
          const text = JSON.stringify({ spec: { [name]: 1, a: 2, [`${name}2`]: { [name]: [] } } });
          expect(sieve(text, fields, [size]).values).toEqual([{ spec: { a: 2 } }]);
        }
    },
  );

  test('a field over its limit is left out and reported; the rest is kept', () => {
    const fields: Fields = {
      members: {
        metadata: { members: { annotations: { members: { mine: { upTo: 20 } } }, name: { upTo: 20 } } },
        spec: { members: { clientID: { upTo: 12 } } },
      },
    };
    const object = {
      metadata: { annotations: { mine: 'x'.repeat(100) }, name: 'a' },
      spec: { clientID: 'exactly 10' },
    };
    const { values, tooLarge } = sieve(JSON.stringify(object), fields, [7]);
    expect(values).toEqual([{ metadata: { annotations: {}, name: 'a' }, spec: { clientID: 'exactly 10' } }]);
    expect(tooLarge).toEqual([{ path: 'metadata.annotations.mine', upTo: 20 }]);
  });

  test('names are compared without the case of A to Z alone, as the parsers do', () => {
    const fields: Fields = { members: { kind: { upTo: 10 } }, anyCase: true };
    // The Kelvin sign in its bytes, and as JSON writes it with a backslash: `k` in lower case.
    const { values } = sieve('{"\u212aind":1,"\\u212Aind":2,"KIND":3,"\\u004bInd":4}', fields);
    expect(values).toEqual([{ KIND: 3, KInd: 4 }]);
  });

  describe('misspelt names', () => {
    const fields: Fields = {
      members: { spec: { members: { a: { upTo: 10 } }, isMisspelt: (name) => /^[àa]{2}/.test(name) } },
    };

    test.each([1, 7, 1000])(
      'are kept with null for their value, whatever it is, in pieces of %i bytes',
      (size) => {
        const long = { aa: ['x'.repeat(5000)] };
        for (const [given, kept] of [
          [
            { aa: long, a: 1, b: 2 },
            { aa: null, a: 1 },
          ],
          [
            { b: 2, a: 1, aa: 'x', àà: { àà: 1 }, 'aa"\n': 3 },
            { a: 1, aa: null, àà: null, 'aa"\n': null },
          ],
          [{ aa: 1 }, { aa: null }],
        ])
          expect(sieve(JSON.stringify({ aa: 1, spec: given }), fields, [size])).toMatchObject({
            values: [{ spec: kept }],
            tooLarge: [],
          });
        expect(sieve('{"spec":{"\\u00e0\\u0061":1}}', fields, [size]).values).toEqual([
          { spec: { àa: null } },
        ]);
      },
    );

    test('are eight at most', () => {
      const names = Array.from({ length: 1000 }, (_, at) => `aa${at}`);
      const spec = Object.fromEntries([...names, 'a'].map((name) => [name, 1]));
      const { values } = sieve(JSON.stringify({ spec }), fields);
      const kept = Object.fromEntries(names.slice(0, 8).map((name) => [name, null]));
      expect(values).toEqual([{ spec: { ...kept, a: 1 } }]);
    });
  });

  describe('attack: a misspelt name among more unknown ones than are looked at', () => {
    const inner: Fields = { members: { a: { upTo: 10 } }, isMisspelt: (name) => name.startsWith('aa') };
    const fields: Fields = { members: { spec: inner, ref: { members: { spec: inner } } } };
    const names = (count: number, prefix: string) =>
      Array.from({ length: count }, (_, at) => `${prefix}${at}`);
    const withNames = (...all: readonly string[]) => Object.fromEntries(all.map((name) => [name, 1]));

    test.each([
      ['a thousand other names', names(1_000, 'b'), 1_000],
      ['a thousand with escape sequences', names(1_000, '"'), 1_000],
      ['eight misspelt ones', names(8, 'aaa'), 8],
    ])('after %s is reported with its object, however the stream is cut', (_, before, upTo) => {
      for (const size of [65_536, 509, 7]) {
        const spec = withNames(...before, 'aa', 'c', 'a');
        const { values, tooLarge } = sieve(JSON.stringify({ spec, ref: { spec } }), fields, [size]);
        expect(values).toMatchObject([{ spec: { a: 1 }, ref: { spec: { a: 1 } } }]);
        expect(tooLarge).toEqual([
          { path: 'spec', upTo, unknownNames: true },
          { path: 'ref.spec', upTo, unknownNames: true },
        ]);
      }
    });

    test('is not reported of as many as are looked at, of the next object, or where no misspelt one matters', () => {
      const most = withNames(...names(1_000, 'b'), 'a');
      const escaped = withNames(...names(1_000, '"'), 'a');
      for (const spec of [most, escaped])
        expect(sieve(JSON.stringify({ spec }), fields).tooLarge).toEqual([]);
      const plain: Fields = { members: { spec: { members: { a: { upTo: 10 } } } } };
      const more = withNames(...names(5_000, 'b'), 'a');
      expect(sieve(JSON.stringify({ spec: more }), plain).tooLarge).toEqual([]);
      const [over, next] = [JSON.stringify({ spec: more }), JSON.stringify({ spec: most })];
      expect(sieve(`${over}\n${next}`, fields).tooLarge).toHaveLength(1);
    });
  });

  test('of an object with 100,000 unknown names a thousand are compared with the wanted ones, and the wanted one after them is read', () => {
    let compared = 0;
    const isMisspelt = () => {
      compared += 1;
      return false;
    };
    const fields: Fields = { members: { spec: { members: { a: { upTo: 10 } }, isMisspelt } } };
    const names = Array.from({ length: 100_000 }, (_, at) => `"b${at}":1`);
    expect(sieve(`{"spec":{${names.join(',')},"a":2}}`, fields).values).toEqual([{ spec: { a: 2 } }]);
    expect(compared).toBe(1_000);
  });

  test.each([
    ...['{"a":1', '[1,', '{"a" 1}', '{a:1}', '{"a":1}}', '{"a":tru}', '{"a":}'],
    ...[
      '{"a"}',
      '{"a":1 "b":2}',
      '{,}',
      '{"a"::1}',
      '{"a":1]',
      '{"b":1]',
      '{"b"}',
      '{"b":1 "b":2}',
      '{"b",1}',
      '{"b"]',
    ],
    ...['{"b":1"c":2}', '{:1}', '{"a":{"b":1}', '}', ']', '{"b":]}'],
  ])('%s is no JSON', (text) => {
    const reader = createResponseReader({ fields: { members: { a: { upTo: 100 } } } });
    expect(() => {
      reader.push(Buffer.from(text));
      reader.end(incomplete);
    }).toThrow(KubeError);
  });
});

describe('a list', () => {
  const fields: Fields = { members: { metadata: { members: { name: { upTo: 20 } } } } };
  test('passes on each item as it arrives, wherever the metadata is', () => {
    const got: unknown[] = [];
    const reader = createResponseReader({ fields, onItem: (item) => got.push(item) });
    reader.push(Buffer.from('{"items":[{"metadata":{"name":"a","junk":{}}},{"metadata":{"na'));
    expect(got).toEqual([{ metadata: { name: 'a' } }]);
    reader.push(Buffer.from('me":"b"}}],"kind":"List","metadata":{"resourceVersion":"7","continue":"c"}}'));
    expect(got).toHaveLength(2);
    expect(reader.end(incomplete)).toEqual({
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

  test('attack: an object larger than any that the API server stores ends the response before it fills the memory', () => {
    const reader = new JsonItems({ onItem: () => undefined });
    reader.push(Buffer.from('{"items":[{"a":"'));
    const more = Buffer.from('x'.repeat(64 * 1024));
    expect(() => {
      for (let pushed = 0; pushed < 100; pushed += 1) reader.push(more);
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
      const reader = createResponseReader({ fields, onItem: (item) => got.push(item) });
      reader.push(Buffer.from(text));
      expect(reader.end(incomplete)).toMatchObject({ metadata: {} });
      expect(got).toEqual([]);
    },
  );
});

describe('a watch', () => {
  const fields: Fields = {
    members: { metadata: { members: { name: { upTo: 20 } } }, status: { members: { phase: { upTo: 20 } } } },
  };
  test('events are trimmed like items, and left out fields are reported by their path', () => {
    const events: unknown[] = [];
    const reader = createEventReader(fields, (event) => events.push(event));
    const line = {
      type: 'ADDED',
      object: { metadata: { name: 'a', huge: 'x'.repeat(100_000) }, status: {} },
    };
    reader.push(Buffer.from(`${JSON.stringify(line)}\n`));
    expect(events).toEqual([{ type: 'ADDED', object: { metadata: { name: 'a' }, status: {} } }]);
  });

  test('an ERROR event is read although it has none of the fields', () => {
    const events: unknown[] = [];
    const reader = createEventReader(fields, (event) => events.push(event));
    const status = { kind: 'Status', status: 'Failure', message: 'too old', reason: 'Expired', code: 410 };
    reader.push(Buffer.from(`${JSON.stringify({ type: 'ERROR', object: status })}\n`));
    expect(events).toMatchObject([{ type: 'ERROR', object: { code: 410, reason: 'Expired' } }]);
  });
});
