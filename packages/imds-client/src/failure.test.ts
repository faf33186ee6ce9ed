import { describe, expect, test } from 'vitest';
import type { ImdsError } from './errors.ts';
import { failureOf } from './failure.ts';

const endpoint = 'http://169.254.169.254';
const of = (cause: unknown) => failureOf({ endpoint, cause, requested: undefined });
const coded = (code: string, more: object = {}) => Object.assign(new Error('x'), { code, ...more });

describe('an endpoint that cannot be reached', () => {
  test.each<[string, unknown, string]>([
    ['an error of node:http', coded('ECONNREFUSED'), 'ECONNREFUSED, nothing listens there'],
    [
      'an error of the fetch of Node',
      new TypeError('fetch failed', { cause: coded('EHOSTUNREACH') }),
      'EHOSTUNREACH, there is no route',
    ],
    [
      'an error for several addresses',
      new AggregateError([coded('ECONNREFUSED'), coded('ENETUNREACH')]),
      'ECONNREFUSED, nothing',
    ],
    [
      'a TypeError with a code',
      Object.assign(new TypeError('x'), { code: 'ECONNREFUSED' }),
      'ECONNREFUSED, nothing',
    ],
    ['an error of Bun', coded('ConnectionRefused'), 'ConnectionRefused, nothing listens there'],
    ['an error with an unknown code', coded('ESTALE'), 'cannot be reached: ESTALE'],
    ['an error with a short code', coded('EIO'), 'cannot be reached: EIO'],
    ['an error of undici', coded('UND_ERR_SOCKET'), 'UND_ERR_SOCKET, the connection was closed'],
    ['an error with a code that ends like a certificate', coded('CONCERT'), 'cannot be reached: CONCERT'],
    ['an error with a code that begins like one', coded('CERTIFIED'), 'cannot be reached: CERTIFIED'],
  ])('says why: %s', (_, cause, why) => {
    expect(of(cause)).toMatchObject({ code: 'unavailable', retryable: true, cause });
    expect(String(of(cause))).toContain(why);
  });

  test.each([
    [new Error('my gateway refused: policy 7'), ': my gateway refused: policy 7'],
    [new Error('two\r\nlines\u001b2J'), ': two lines 2J'],
    [new Error('no route', { cause: new Error('policy 7') }), ': no route: policy 7'],
    [new TypeError('Failed to fetch'), ': Failed to fetch'],
    [
      new TypeError('fetch failed', { cause: new Error('other side closed') }),
      ': fetch failed: other side closed',
    ],
    [coded('ERR_X'), ': x'],
    [coded('two words'), ': x'],
    [
      new TypeError('Load failed: the network cannot be reached'),
      ': Load failed: the network cannot be reached',
    ],
    [coded(['ECONNREFUSED'] as unknown as string), ': x'],
    [coded(['CERT_HAS_EXPIRED'] as unknown as string), ': x'],
    [new AggregateError([new Error('a'), new Error('b'), new Error('c'), coded('ECONNREFUSED')]), ''],
    [coded('in ECONNRESET'), ': x'],
    [coded(`E${'X'.repeat(60)}`), ': x'],
    [coded('ECONNRESET too'), ': x'],
    ['a text', ': a text'],
    [new Error(''), ''],
    [{ message: 5 }, ''],
    [undefined, ''],
    [null, ''],
  ])('without a code is told by the message of its error: %s', (cause, why) => {
    expect(of(cause)).toMatchObject({ code: 'unavailable', reason: `${endpoint} cannot be reached${why}` });
  });

  test('with a long message is told by its beginning', () => {
    const { reason } = of(new Error('a '.repeat(999))) as ImdsError;
    expect(reason).toBe(`${endpoint} cannot be reached: ${'a '.repeat(100)}…`);
  });

  // The text of an error may quote a response, and that may be a token.
  test.each([
    'unexpected body: {"access_token":"SECRET"}',
    'access_token=SECRET',
    'unexpected <Buffer 53 45>',
    'unexpected [53,45]',
    'unexpected token eyJhbGciSECRET',
    'no answer to Authorization: Bearer SECRETSECRETSECRETSECRET',
    'the gateway http://user:SECRET@host refused',
  ])('with an error that may quote a token is not told by it: %j', (message) => {
    for (const cause of [new Error(message), new Error('x', { cause: new Error(message) }), message])
      expect(of(cause)).toMatchObject({ code: 'unavailable', reason: `${endpoint} cannot be reached` });
  });

  test('with a long word, which may be a token, is told without it', () => {
    const { reason } = of(new Error(`unexpected ${'SECRET'.repeat(22)}`)) as ImdsError;
    expect(reason).toBe(`${endpoint} cannot be reached: unexpected [132 characters left out]`);
  });

  test('with an error that causes itself ends', () => {
    const error = new Error('x');
    error.cause = error;
    expect(of(error)).toMatchObject({ code: 'unavailable' });
  });
});

test.each([
  'DEPTH_ZERO_SELF_SIGNED_CERT',
  'CERT_HAS_EXPIRED',
  'SELF_SIGNED_CERT_IN_CHAIN',
  'UNABLE_TO_VERIFY_LEAF_SIGNATURE',
  'ERR_TLS_CERT_ALTNAME_INVALID',
  'HOSTNAME_MISMATCH',
])('a certificate that is not accepted is not asked for again: %s', (code) => {
  const cause = new TypeError('fetch failed', { cause: coded(code) });
  const error = of(cause);
  expect(error).toMatchObject({ cause, retryable: false, reason: expect.stringContaining(code) as unknown });
});

test.each([
  [coded('EPROTO'), 'EPROTO'],
  [coded('ERR_SSL_TLSV1_ALERT_PROTOCOL_VERSION'), 'ERR_SSL_TLSV1_ALERT_PROTOCOL_VERSION'],
  [
    new TypeError('fetch failed', { cause: coded('ERR_SSL_PACKET_LENGTH_TOO_LONG') }),
    'ERR_SSL_PACKET_LENGTH_TOO_LONG',
  ],
])('what does not speak TLS is not asked again: %s', (cause, code) => {
  expect(of(cause)).toMatchObject({
    code: 'invalid-response',
    retryable: false,
    reason: `${endpoint} does not speak TLS, or not as this runtime does (${code})`,
  });
});

test.each(['EHPE_X', 'EXEPROTO', 'EPROTONOSUPPORT', 'E_ERR_SSL_X', 'E2BIG'])(
  'a code that only resembles one with a meaning of its own is told alone: %s',
  (code) => {
    expect(of(coded(code))).toMatchObject({
      code: 'unavailable',
      reason: `${endpoint} cannot be reached: ${code}`,
    });
  },
);

test.each(['HOSTNAME_MISMATCH_X', 'EX1lower', 'Abcdef1'])('%s is no code of a failure', (code) => {
  expect(of(coded(code))).toMatchObject({ reason: `${endpoint} cannot be reached: x` });
});

test('what is neither an error nor a text is not quoted', () => {
  expect(of(5)).toMatchObject({ reason: `${endpoint} cannot be reached` });
});

test('a handshake that takes too long has nothing to do with the certificate', () => {
  expect(of(coded('ERR_TLS_HANDSHAKE_TIMEOUT'))).toMatchObject({ code: 'unavailable', retryable: true });
});

test.each(['HPE_INVALID_CONSTANT', 'HPE_8'])('what does not speak HTTP is not asked again: %s', (code) => {
  expect(of(coded(code))).toMatchObject({ code: 'invalid-response', retryable: false });
});

test.each([{ code: 'HPE_8' }, { code: undefined }])(
  'the bytes of a parser of fetch are not kept: %j',
  (more) => {
    const cause = Object.assign(new Error('no'), { name: 'HTTPParserError', data: 'SECRETTOKEN', ...more });
    const error = of(new TypeError('fetch failed', { cause }));
    expect(error).toMatchObject({ code: 'invalid-response', cause: { message: 'fetch failed' } });
    expect(Object.keys(error.cause as object)).toEqual(['code']);
  },
);

describe('a programming error is passed on as it is', () => {
  test.each([
    new TypeError('Cannot read properties of undefined'),
    new TypeError("Cannot read properties of undefined (reading 'request')"),
    new TypeError('my.fetchIt is not a function'),
    new TypeError("undefined is not an object (evaluating 'x.connect')"),
    new TypeError('Cannot set property socket of #<Session> which has only a getter'),
    new TypeError('this.socket is undefined'),
    new TypeError('can\'t access property "request" of null'),
    new ReferenceError('x is not defined'),
    new RangeError('no'),
    new SyntaxError('no'),
    new TypeError('fetch failed', { cause: new Error('unknown scheme') }),
    new TypeError('fetch failed', { cause: new Error('bad port') }),
    new TypeError('Fetch failed: Requests to port 6000 are blocked'),
  ])('%s', (cause) => {
    expect(of(cause)).toBe(cause);
  });
});
