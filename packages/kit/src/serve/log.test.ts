import { describe, expect, test } from 'vitest';
import { createLog, type LogFormat, type LogLevel } from './log.ts';

function capture(format: LogFormat, level?: LogLevel) {
  const lines: string[] = [];
  const destination = { write: (line: string) => void lines.push(line) };
  return { lines, log: createLog({ component: 'nmi', format, destination, ...(level ? { level } : {}) }) };
}
const jwt = `eyJhbGciOiJSUzI1NiJ9.eyJzdWIiOiJ4In0.c2lnbmF0dXJl`;

describe('log', () => {
  test('json: one object per line with level, time, component and fields', () => {
    const { lines, log } = capture('json');
    log.child({ role: 'health' }).warn({ port: 80 }, 'listening');
    expect(lines).toHaveLength(1);
    expect(lines[0]).toMatch(/\n$/);
    expect(JSON.parse(lines[0]!)).toEqual({
      level: 'warn',
      time: expect.stringMatching(/^\d{4}-\d\d-\d\dT.*Z$/) as string,
      component: 'nmi',
      role: 'health',
      port: 80,
      msg: 'listening',
    });
  });

  test('text: one readable line', () => {
    const { lines, log } = capture('text');
    log.child({ role: 'health' }).info({ port: 80, path: '/a b', list: [1, 2], none: '' }, 'listening');
    expect(lines[0]).toMatch(
      /^\S+Z INFO {2}nmi listening role=health port=80 path="\/a b" list=\[1,2\] none=""\n$/,
    );
  });

  test('text: untrusted text cannot start a new line', () => {
    const { lines, log } = capture('text');
    log.info({ pod: 'a\n2026 ERROR forged' }, 'bad\nname');
    expect(lines.join('').split('\n')).toHaveLength(2);
    expect(lines[0]).toContain('bad\\nname pod="a\\n2026 ERROR forged"');
  });

  test.each(['text', 'json'] as const)(
    '%s: what comes from outside cannot steer a terminal or turn text around',
    (format) => {
      const { lines, log } = capture(format);
      log.info(
        { pod: 'a\u009b2K', id: '\u202etxt', list: ['\u2066', '\u{e0041}'], name: 'a\u3164' },
        'said \u001b[A\u200b',
      );
      expect(lines).toHaveLength(1);
      expect(lines[0]).not.toMatch(/[^\P{C}\n]/u);
      expect(lines[0]).toContain(String.raw`said \u001b[A\u200b`);
      expect(lines[0]).toContain(String.raw`\u202etxt`);
      expect(lines[0]).toContain(String.raw`a\u3164`);
    },
  );

  test('levels below the chosen one are not written', () => {
    const { lines, log } = capture('json', 'warn');
    log.debug({}, 'no');
    log.info({}, 'no');
    log.warn({}, 'yes');
    log.error({}, 'yes');
    expect(lines).toHaveLength(2);
    expect([log.level, log.child({}).level]).toEqual(['warn', 'warn']);
  });

  test.each([
    'token',
    'accessToken',
    'access_token',
    'refresh-token',
    'secret',
    'clientSecret',
    'client_secret',
    'Authorization',
    'password',
    'clientPassword',
    'client_assertion',
    'assertion',
    'tokens',
    'privateKey',
    'set-cookie',
  ])('a field named %s is redacted at any depth, in children too', (name) => {
    const { lines, log } = capture('json');
    const fields = { a: { b: [{ [name]: 'hunter2' }] }, [name]: { deep: 'hunter2' } };
    log
      .child(fields)
      .info({ map: new Map([[name, 'hunter2']]), error: new Error('x', { cause: fields }) }, 'hello');
    expect(lines[0]).not.toContain('hunter2');
    expect(lines[0]).toContain('[redacted]');
  });

  test.each([
    ['a token by its look', `got ${jwt} back`],
    ['a header', 'Authorization: Bearer abcdefgh12345678'],
    ['basic credentials', 'Basic dXNlcjpodW50ZXIy'],
    ['a form', 'grant_type=x&client_secret=hunter2hunter2&scope=y'],
  ])('%s is redacted in any text', (_, text) => {
    const { lines, log } = capture('json');
    log.info({ text, error: new Error(text) }, text);
    expect(lines[0]).not.toMatch(/hunter2|eyJhbGci|abcdefgh12345678|dXNlcj/);
    expect(lines[0]).toContain('[redacted]');
  });

  test('names of secrets and properties of tokens are not redacted', () => {
    const { lines, log } = capture('json');
    log.info({ secretName: 'ns/s', tokenType: 'Bearer', hasToken: true, token: undefined }, 'ok');
    expect(JSON.parse(lines[0]!)).toMatchObject({ secretName: 'ns/s', tokenType: 'Bearer', hasToken: true });
  });

  test('errors are expanded, circular values end, unusual values do not throw', () => {
    const { lines, log } = capture('json');
    const circle: Record<string, unknown> = {};
    circle['self'] = circle;
    const error = Object.assign(new Error('broken', { cause: new Error('why') }), { code: 'gone' });
    const odd = {
      big: 1n,
      when: new Date(Number.NaN),
      bytes: Buffer.from('abc'),
      set: new Set([1]),
      fn: () => 1,
    };
    log.error({ error, circle, ...odd }, 'odd');
    expect(JSON.parse(lines[0]!)).toMatchObject({
      error: { name: 'Error', message: 'broken', code: 'gone', cause: { message: 'why' } },
      big: '1',
      when: 'invalid date',
      bytes: '[3 bytes]',
      set: [1],
    });
  });
});
