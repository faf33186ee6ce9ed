import fc from 'fast-check';
import { describe, expect, onTestFinished, test, vi } from 'vitest';
import { lowerAscii } from '../core/lower-ascii.ts';
import type { Fields, TooLarge } from './fields.ts';
import { createResponseReader, createEventReader } from './response-reader.ts';
import { KubeError } from './errors.ts';
import { membersOf, fieldRuleOf } from './field-rule.ts';
import { Sieve } from './sieve.ts';

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
  const reader = new Sieve({
    rule: fieldRuleOf(fields),
    upTo: 10_000,
    onValue(value, left) {
      values.push(value);
      tooLarge.push(...left);
    },
  });
  for (const piece of pieces(Buffer.from(text), sizes)) reader.push(piece);
  return { values, tooLarge, isComplete: reader.isComplete };
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

describe('sieve', () => {
  test('returns the same as JSON.parse, wherever the stream is cut', () => {
    const sizes = fc.array(fc.integer({ min: 1, max: 90 }), { maxLength: 5 });
    const spaces = fc.constantFrom(undefined, 1);
    fc.assert(
      fc.property(
        fc.array(json.value),
        json.fields,
        fc.record({ cuts: sizes, indent: spaces }),
        (values, fields, how) => {
          const { cuts, indent } = how;
          const text = values.map((value) => `${JSON.stringify(value, null, indent)}\n`).join('');
          const wanted = values.map((value) => JSON.parse(JSON.stringify(value)) as unknown);
          const read = sieve(text, fields as Fields, cuts);
          const misfits = read.tooLarge.length > 0;
          fc.pre(!misfits);
          expect(read.values).toEqual(wanted.map((value) => expected(value, fields as Fields)));
          expect(read.isComplete).toBe(true);
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

  test('an object that spells one name in a thousand ways is limited as a whole', () => {
    const spellings = Array.from({ length: 1024 }, (_, bits) =>
      Array.from('resourceid', (letter, at) => (bits & (1 << at) ? letter.toUpperCase() : letter)).join(''),
    );
    const spec = Object.fromEntries(spellings.map((name) => [name, 'x'.repeat(500)]));
    const fields: Fields = {
      members: { spec: { members: { resourceID: { upTo: 1000 } }, anyCase: true }, z: { upTo: 10 } },
    };
    const { values, tooLarge } = sieve(JSON.stringify({ spec, z: 1 }), fields);
    expect(JSON.stringify(values[0]).length).toBeLessThan(12_000);
    expect(tooLarge.length).toBeGreaterThan(900);
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
          [{ [`aa${'x'.repeat(511)}`]: 1, [`aa${'"'.repeat(400)}`]: 1 }, {}],
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

  test('of an object with 100,000 unknown names with escape sequences a thousand are decoded, and the wanted one after them is read', () => {
    const parse = vi.spyOn(JSON, 'parse');
    onTestFinished(() => parse.mockRestore());
    const fields: Fields = { members: { spec: { members: { a: { upTo: 10 } } } } };
    const names = Array.from({ length: 100_000 }, (_, at) => `"\\u003c${at}":1`);
    const text = `{"spec":{${names.join(',')},"a":2}}`;
    expect(sieve(text, fields, [65_536]).values).toEqual([{ spec: { a: 2 } }]);
    expect(parse.mock.calls.length).toBeLessThan(1_010);
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

describe('an item of a list', () => {
  const items = { upTo: 0, items: fieldRuleOf({ members: { a: { upTo: 1000 }, b: { upTo: 1000 } } }) };
  const read = (...list: readonly object[]) => {
    const got: [value: unknown, tooLarge: readonly TooLarge[]][] = [];
    const reader = new Sieve({
      rule: { upTo: 0, members: membersOf([['items', items]]) },
      upTo: 100,
      onValue: () => undefined,
      onItem: (value, tooLarge) => got.push([value, tooLarge]),
    });
    reader.push(Buffer.from(JSON.stringify({ junk: 'x'.repeat(500), items: list })));
    return got;
  };

  test('has as much room as the one before it: what all of its fields take up to the limit', () => {
    const full = { a: 'x'.repeat(40), b: 'y'.repeat(46) };
    expect(JSON.stringify(full)).toHaveLength(101);
    expect(read(full, full, full)).toEqual([full, full, full].map((one) => [one, []]));
    const over = { ...full, b: `${full.b}y` };
    const rest = [{ a: full.a }, [{ path: 'b', upTo: 100 }]];
    expect(read(over, full, over)).toEqual([rest, [full, []], rest]);
  });

  test('may be the whole list, or one of other kinds of values', () => {
    expect(read()).toEqual([]);
    expect(read({}, [], { c: [] })).toEqual([
      [{}, []],
      [[], []],
      [{}, []],
    ]);
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
      metadata: { resourceVersion: '7', continue: 'c' },
    });
  });

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
