import { createFakeClock } from '@pod-identity/kit/testing';
import { describe, expect, test } from 'vitest';
import { createLog, logLine } from './log.ts';
import { Output } from './output.ts';

function stage(room = 100) {
  const clock = createFakeClock();
  const written: string[] = [];
  const reader = { takes: Infinity };
  const output = new Output({
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
    output.end(() => true);
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
    const output = new Output({
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

  test('uses no more memory than the limit, and lost lines are counted', async () => {
    const { clock, output, reader, written } = stage();
    reader.takes = 0;
    for (let index = 0; index < 1_000; index += 1) output.append('one\n');
    expect(output.lost).toBe(1_000 - 25);
    output.write('two\n');
    expect(output.lost).toBe(1_001 - 25);
    reader.takes = Infinity;
    await clock.advance(10);
    expect(written.join('')).toBe('one\n'.repeat(25));
  });

  test('finds one line in the log, in the place of the lost lines, with their number', async () => {
    const { clock, output, reader, written } = stage(1_000);
    createLog({ component: 'nmi', format: 'json', destination: output });
    reader.takes = 0;
    for (let index = 0; index < 208; index += 1) output.write('said\n');
    reader.takes = Infinity;
    await clock.advance(10);
    output.write('after\n');
    await clock.advance(1_000);
    const lines = written.join('').split('\n').slice(0, -1);
    expect(lines.filter((one) => one === 'said')).toHaveLength(200);
    expect(JSON.parse(lines[200] ?? '')).toMatchObject({ level: 'warn', lines: 8 });
    expect(lines.slice(201)).toEqual(['after']);
  });
});

describe('the end of a process', () => {
  const ended = (patience: number) => {
    const { output, reader, written } = stage(1_000);
    reader.takes = 0;
    output.write('waiting\n');
    let waits = 0;
    output.end(() => {
      reader.takes = 5;
      waits += 1;
      return waits <= patience;
    });
    return written.join('');
  };

  test('writes what waits', () => {
    expect(ended(Infinity)).toBe('waiting\n');
  });

  test('writes no more when there is no more time', () => {
    expect(ended(1)).toBe('waiti');
  });
});

describe('a line of the log for another output', () => {
  const parts = {
    time: new Date('2026-01-01T00:00:00.000Z'),
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
    expect(logLine(format, { ...parts, time: new Date(time), fields })).toBe(lines[0]);
  });

  test('json: contains the time and is ASCII', () => {
    const line = logLine('json', parts);
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
    expect(logLine('text', parts)).toBe(
      '2026-01-01T00:00:00.000Z INFO  nmi token issued pod=a/b resource="x\\n\\u0085\\"é"\n',
    );
  });

  test('secrets are replaced', () => {
    const fields = { resource: 'eyJhbGciOiJSUzI1NiJ9.eyJzdWIiOiJ4In0.c2lnbmF0dXJl', secret: 'hunter2' };
    expect(logLine('json', { ...parts, fields })).not.toMatch(/eyJ|hunter2/);
  });
});
