import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { createLineCutter } from './json-lines.ts';

describe('line cutter', () => {
  test('a stream cut anywhere, even inside a character, gives the same lines', () => {
    const line = fc.string({ unit: 'binary' }).map((text) => JSON.stringify({ text }));
    const cuts = fc.array(fc.integer({ min: 1, max: 7 }));
    fc.assert(
      fc.property(fc.array(line), cuts, (lines, sizes) => {
        const bytes = Buffer.from(lines.map((text) => `${text}\n`).join(''));
        const cut = createLineCutter();
        const got: string[] = [];
        let at = 0;
        for (let turn = 0; at < bytes.length; turn += 1) {
          const size = sizes[turn % sizes.length] ?? 3;
          got.push(...cut(bytes.subarray(at, at + size)));
          at += size;
        }
        expect(got).toEqual(lines);
      }),
    );
  });

  test('empty lines are nothing, an unfinished one waits for its end', () => {
    const cut = createLineCutter();
    expect(cut(Buffer.from('\n\r\n{"a":1}\r\n{"b"'))).toEqual(['{"a":1}\r']);
    expect(cut(Buffer.from(':2}'))).toEqual([]);
    expect(cut(Buffer.from('\n'))).toEqual(['{"b":2}']);
  });
});
