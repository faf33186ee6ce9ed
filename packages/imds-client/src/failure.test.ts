import { describe, expect, test } from 'vitest';
import { failureOf } from './failure.ts';

const endpoint = 'http://169.254.169.254';
const of = (cause: unknown) => failureOf({ endpoint, cause, asked: undefined });
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
    new Error('x'),
    'a text',
    undefined,
    null,
    new TypeError('Failed to fetch'),
    new TypeError('Load failed: the network cannot be reached'),
    coded('ERR_X'),
    coded('two words'),
    coded(['ECONNREFUSED'] as unknown as string),
    coded(['CERT_HAS_EXPIRED'] as unknown as string),
    new AggregateError([new Error('a'), new Error('b'), new Error('c'), coded('ECONNREFUSED')]),
    coded('in ECONNRESET'),
    coded('ECONNRESET too'),
  ])('without a code is unreachable: %s', (cause) => {
    expect(of(cause)).toMatchObject({ code: 'unavailable', reason: `${endpoint} cannot be reached` });
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
    new TypeError('fetch failed', { cause: new Error('bad port') }),
    new TypeError('Fetch failed: Requests to port 6000 are blocked'),
    new TypeError('HTTP_PROXY would lead requests through a proxy: add 127.0.0.1 to NO_PROXY'),
  ])('%s', (cause) => {
    expect(of(cause)).toBe(cause);
  });
});
