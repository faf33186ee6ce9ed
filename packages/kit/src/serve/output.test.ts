import { createFakeClock } from '@pod-identity/kit/testing';
import { describe, expect, test } from 'vitest';
import { createLog } from './log.ts';
import { createOutput } from './output.ts';
import { createRepeatedLine } from './repeated-line.ts';

function stage(room = 100) {
  const clock = createFakeClock();
  const written: string[] = [];
  const reader = { takes: Infinity };
  const output = createOutput({
    write: (bytes) => {
      const taken = Math.min(bytes.length, reader.takes);
      reader.takes -= taken;
      if (taken > 0) written.push(Buffer.from(bytes.subarray(0, taken)).toString());
      return taken;
    },
    clock,
    holdLength: 20,
    room,
  });
  return { clock, written, output, reader };
}

describe('output', () => {
  test('appended lines are written together after a short time, and no timer is left', async () => {
    const { clock, written, output } = stage();
    output.append('one\n');
    output.append('two\n');
    await clock.advance(49);
    expect(written).toEqual([]);
    await clock.advance(1);
    expect(written).toEqual(['one\ntwo\n']);
    expect(clock.pending).toBe(0);
  });

  test('appended lines are written as soon as there are many, always whole', () => {
    const { clock, written, output } = stage();
    for (let index = 0; index < 5; index += 1) output.append(`line ${index}\n`);
    expect(written).toEqual(['line 0\nline 1\nline 2\n']);
    output.flush();
    expect(written.join('')).toBe('line 0\nline 1\nline 2\nline 3\nline 4\n');
    expect(clock.pending).toBe(0);
  });

  test('a log line is written at once, after the lines appended before it', () => {
    const { written, output } = stage();
    const log = createLog({ component: 'nmi', format: 'json', destination: output });
    output.append('before\n');
    log.info({}, 'said');
    output.append('after\n');
    expect(written).toHaveLength(1);
    expect(written[0]).toMatch(/^before\n\{.*"msg":"said"\}\n$/);
  });

  test('lines without a reader are counted, and the process continues', () => {
    const output = createOutput({
      write: () => {
        throw new Error('EPIPE');
      },
      clock: createFakeClock(),
    });
    const log = createLog({ component: 'nmi', destination: output });
    output.append('one\n');
    output.write('two\n');
    log.info({}, 'three');
    expect([output.lost, output.isBehind]).toEqual([3, false]);
  });
});

describe('a reader that is behind', () => {
  const line = (index: number) => `line ${index}\n`;

  test('does not block: lines are kept and written, whole and in order, when it reads again', async () => {
    const { clock, written, output, reader } = stage();
    reader.takes = 10;
    for (let index = 0; index < 8; index += 1) output.append(line(index));
    output.write(line(8));
    expect(output.isBehind).toBe(true);
    reader.takes = 5;
    await clock.advance(10);
    expect(written.join('')).toBe('line 0\nline 1\nl');
    reader.takes = Infinity;
    await clock.advance(10);
    expect(written.join('')).toBe(Array.from({ length: 9 }, (_, index) => line(index)).join(''));
    expect([output.isBehind, output.lost, clock.pending]).toEqual([false, 0, 0]);
  });

  test('uses no more memory than the limit, and lost lines are counted', () => {
    const { output, reader, written } = stage();
    reader.takes = 0;
    for (let index = 0; index < 1_000; index += 1) output.append('audit\n');
    expect(output.lost).toBe(1_000 - Math.floor(75 / 6));
    for (let index = 0; index < 1_000; index += 1) output.write('log\n');
    expect(output.lost).toBe(1_000 - 12 + 1_000 - Math.floor((100 - 12 * 6) / 4));
    reader.takes = Infinity;
    output.flush();
    expect(written.join('')).toBe('audit\n'.repeat(12) + 'log\n'.repeat(7));
  });

  test('gets lines of all namespaces: one takes half of the room, and again as much after all was read', () => {
    const { output, reader, written } = stage();
    const floods = () => {
      for (let index = 0; index < 1_000; index += 1) output.append('flood\n', 'hostile');
    };
    for (let round = 1; round <= 2; round += 1) {
      reader.takes = 0;
      floods();
      output.append('other\n', 'other');
      expect(output.lost).toBe(round * (1_000 - 6));
      reader.takes = Infinity;
      output.flush();
      expect(written.join('')).toBe(('flood\n'.repeat(6) + 'other\n').repeat(round));
    }
    floods();
    output.flush();
    expect(written.join('').match(/flood/g)).toHaveLength(1_012);
  });

  test('lost lines of a namespace do not count toward its share', async () => {
    const { clock, output, reader, written } = stage();
    reader.takes = 0;
    output.append(`${'x'.repeat(70)}\n`);
    for (let index = 0; index < 100; index += 1) output.append('early\n', 'shop');
    expect(output.lost).toBe(100);
    reader.takes = 60;
    await clock.advance(10);
    expect(output.isBehind).toBe(true);
    output.append('late\n', 'shop');
    reader.takes = Infinity;
    await clock.advance(10);
    expect(written.join('')).toBe(`${'x'.repeat(70)}\nlate\n`);
  });

  test('finds one line in the log, in the place of the lost lines, with their number', async () => {
    const { clock, output, reader, written } = stage(1_000);
    createLog({ component: 'nmi', format: 'json', destination: output });
    reader.takes = 0;
    for (let index = 0; index < 133; index += 1) output.append('audit\n');
    reader.takes = Infinity;
    await clock.advance(10);
    output.append('after\n');
    await clock.advance(1_000);
    const lines = written.join('').split('\n').slice(0, -1);
    expect(lines.filter((one) => one === 'audit')).toHaveLength(125);
    expect(JSON.parse(lines[125] ?? '')).toMatchObject({ level: 'warn', lines: 8 });
    expect(lines.slice(126)).toEqual(['after']);
  });
});

describe('a repeated line', () => {
  const parts = {
    component: 'nmi',
    message: 'token issued',
    fields: { pod: 'a/b', resource: 'x\n\u0085"é' },
  };

  test.each(['json', 'text'] as const)('%s: equals the line of the log', (format) => {
    const lines: string[] = [];
    const log = createLog({ component: 'nmi', format, destination: { write: (line) => lines.push(line) } });
    const fields = { pod: 'a/b', from: 'hit', resource: 'https://vault.azure.net' };
    log.info(fields, 'token issued');
    const time = /\d{4}-[^"\s]+Z/.exec(lines[0] ?? '')?.[0] ?? '';
    expect(createRepeatedLine({ ...parts, format, fields })(time)).toBe(lines[0]);
  });

  test('json: contains the time and is ASCII', () => {
    const line = createRepeatedLine({ ...parts, format: 'json' })('2026-01-01T00:00:00.000Z');
    expect(line).toMatch(/^[\x20-\x7e]+\n$/);
    expect(JSON.parse(line)).toEqual({
      level: 'info',
      time: '2026-01-01T00:00:00.000Z',
      component: 'nmi',
      ...parts.fields,
      msg: 'token issued',
    });
  });

  test('text: is one line, whatever its content', () => {
    const line = createRepeatedLine({ ...parts, format: 'text' })('T');
    expect(line).toBe('T INFO  nmi token issued pod=a/b resource="x\\n\\u0085\\"é"\n');
  });

  test('secrets are replaced', () => {
    const fields = { resource: 'eyJhbGciOiJSUzI1NiJ9.eyJzdWIiOiJ4In0.c2lnbmF0dXJl', secret: 'hunter2' };
    expect(createRepeatedLine({ ...parts, format: 'json', fields })('T')).not.toMatch(/eyJ|hunter2/);
  });
});
