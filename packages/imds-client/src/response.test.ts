import { describe, expect, test } from 'vitest';
import { ImdsError, type ImdsErrorCode } from './errors.ts';
import type { HttpResponse } from './http-response.ts';
import { readTokenResponse } from './response.ts';

const now = 1_700_000_000_000;
const at = { requested: { resource: 'https://asked.for' }, now, parseDate: Date.parse };
const read = (body: unknown, more: Partial<HttpResponse> = {}) =>
  readTokenResponse(
    {
      status: 200,
      retryAfter: null,
      requestId: null,
      body: typeof body === 'string' ? body : JSON.stringify(body),
      ...more,
    },
    at,
  );
const refused = (...answer: Parameters<typeof read>) => {
  const error = read(...answer);
  if (!(error instanceof ImdsError)) throw new Error('a token was read');
  return error;
};

describe('a token', () => {
  test('is read from the documented response, in which all values are strings', () => {
    const body = {
      access_token: 'eyJ',
      client_id: 'c',
      refresh_token: '',
      expires_in: '3599',
      expires_on: '1700003599',
      ext_expires_in: '3599',
      not_before: '1699999700',
      resource: 'https://vault.azure.net',
      token_type: 'Bearer',
    };
    expect(read(body)).toEqual({
      token: 'eyJ',
      expiresOnTimestamp: 1_700_003_599_000,
      notBeforeTimestamp: 1_699_999_700_000,
      tokenType: 'Bearer',
      resource: 'https://vault.azure.net',
      clientId: 'c',
    });
  });

  test('is for the requested resource if the response does not name one', () => {
    expect(read({ access_token: 't', expires_in: 60 })).toStrictEqual({
      token: 't',
      expiresOnTimestamp: now + 60_000,
      tokenType: 'Bearer',
      resource: 'https://asked.for',
    });
  });

  test.each<[string, object, number]>([
    ['expires_on as a string', { expires_on: '1700000060' }, 60],
    ['expires_on as a number', { expires_on: 1_700_000_060 }, 60],
    ['expires_on as an ISO date', { expires_on: '2023-11-14T22:14:20Z' }, 60],
    ['expires_on before expires_in', { expires_on: '1700000060', expires_in: '999' }, 60],
    ['expires_in when the clock is behind', { expires_on: '1700010060', expires_in: '60' }, 60],
    ['expires_on a year ahead', { expires_on: 1_700_000_000 + 366 * 86_400 }, 366 * 86_400],
    ['expires_in as a string', { expires_in: '60' }, 60],
    ['expires_in as a number', { expires_in: 60.5 }, 60.5],
    ['expires_in with hundredths', { expires_in: '60.25' }, 60.25],
    ['expires_in of a year', { expires_in: 366 * 86_400 }, 366 * 86_400],
    ['expires_in when expires_on is empty', { expires_on: '', expires_in: '60' }, 60],
    ['expires_in when expires_on is null', { expires_on: null, expires_in: '60' }, 60],
    [
      'expires_in when expires_on is a date of another form',
      { expires_on: '11/14/2023', expires_in: '60' },
      60,
    ],
    ['expires_in when expires_on is a list', { expires_on: ['2023-11-14T22:13:50Z'], expires_in: '60' }, 60],
    ['expires_in when expires_on is no time', { expires_on: 'soon', expires_in: '60' }, 60],
    ['expires_on when expires_in is no span', { expires_on: '1700000060', expires_in: 'soon' }, 60],
    ['expires_on when expires_in is more than a year', { expires_on: '1700000060', expires_in: 1e9 }, 60],
  ])('expires by %s', (_, times, seconds) => {
    expect(read({ access_token: 't', ...times })).toMatchObject({ expiresOnTimestamp: now + seconds * 1000 });
  });

  test('does not expire by a date with a text behind it, whatever the runtime makes of that', () => {
    const body = JSON.stringify({
      access_token: 't',
      expires_on: '2023-11-14T22:13:50Z or so',
      expires_in: 60,
    });
    const response = { status: 200, retryAfter: null, requestId: null, body };
    const token = readTokenResponse(response, { ...at, parseDate: () => now + 30_000 });
    expect(token).toMatchObject({ expiresOnTimestamp: now + 60_000 });
  });

  test.each<[string, object, number | undefined]>([
    ['when the endpoint says so', { expires_in: 3600, refresh_in: '1800' }, 1_800_000],
    ['after a minute at least', { expires_in: 3600, refresh_in: 60 }, 60_000],
    ['at half of a long life', { expires_in: 86_400 }, 43_200_000],
    ['at half of two hours', { expires_in: 7200 }, 3_600_000],
    ['at no stated time in a short life', { expires_in: 3600 }, undefined],
    ['not at once', { expires_in: 3600, refresh_in: '0.001' }, undefined],
    ['not in less than a minute', { expires_in: 3600, refresh_in: 59 }, undefined],
    ['not after its life', { expires_in: 3600, refresh_in: '3600' }, undefined],
    ['not at a time that no date has', { expires_in: 86_400, refresh_in: 1e20 }, 43_200_000],
  ])('is to be refreshed %s', (_, times, afterMs) => {
    const token = read({ access_token: 't', ...times });
    expect('refreshAfterTimestamp' in token ? token.refreshAfterTimestamp : undefined).toBe(
      afterMs === undefined ? undefined : now + afterMs,
    );
  });

  test.each<[string, unknown]>([
    ['nothing', ''],
    ['no JSON', '<html>'],
    ['null', null],
    ['a list', []],
    ['no token', { expires_in: 60 }],
    ['an empty token', { access_token: '', expires_in: 60 }],
    ['a token that is no text', { access_token: 5, expires_in: 60 }],
    ['a token with another line', { access_token: 'secret\r\nX: y', expires_in: 60 }],
    ['a token with a letter beyond ASCII', { access_token: 'secret\u00e9', expires_in: 60 }],
    ['no expiry', { access_token: 'secret' }],
    ['an expiry in a list', { access_token: 'secret', expires_in: ['60'] }],
    ['an expiry that is no time', { access_token: 'secret', expires_on: 'soon', expires_in: '-5' }],
    ['an expiry that is now', { access_token: 'secret', expires_on: 1_700_000_000 }],
    ['an expiry in the past', { access_token: 'secret', expires_on: '1699999999' }],
    ['an expiry in milliseconds', { access_token: 'secret', expires_on: '1700003599000' }],
    ['a life of more than a year', { access_token: 'secret', expires_in: '31708800' }],
    ['a date without a zone', { access_token: 'secret', expires_on: '2023-11-14T23:13:20' }],
    ['an expiry without end', '{"access_token":"secret","expires_on":1e999}'],
  ])('is not guessed from %s, and the body is not shown', (_, body) => {
    const error = refused(body);
    expect(error).toMatchObject({ code: 'invalid-response', status: 200, retryable: false });
    expect(`${JSON.stringify(error)} ${String(error)}`).not.toContain('secret');
  });
});

test('a token is frozen: callers share it', () => {
  expect(Object.isFrozen(read({ access_token: 't', expires_in: 60 }))).toBe(true);
});

const past = 'expires_on is in the past (is the clock of this machine ahead?)';
const farAhead =
  'expires_on is more than a year ahead (in milliseconds? is the clock of this machine behind?)';

// A response that something cached still has the expires_in of its first day.
test.each<[string, unknown, string]>([
  ['past', '1699999999', past],
  ['now', 1_700_000_000, past],
  ['a date that is past', '2023-11-14T22:13:19Z', past],
  ['zero', '0', past],
  ['the number zero', 0, past],
  ['a negative number', '-1', past],
  ['in milliseconds', '1700003599000', farAhead],
  ['a second more than a year ahead', 1_700_000_001 + 366 * 86_400, farAhead],
  ['a date in the far future', '2999-01-01T00:00:00Z', farAhead],
  ['digits without end', '9'.repeat(400), farAhead],
])('a token whose expires_on is %s is refused, whatever expires_in is', (_, on, why) => {
  const reason = `the endpoint answered 200 with a token of no valid expiry: ${why}`;
  for (const expires_in of [undefined, 'soon', '60', 86_400]) {
    const error = refused({ access_token: 'secret', expires_on: on, expires_in });
    expect(error).toMatchObject({ code: 'invalid-response', status: 200, reason });
  }
});

describe('where the clock may be ahead', () => {
  const skewed = (times: object) => {
    const answer = { status: 200, retryAfter: null, requestId: null };
    const body = JSON.stringify({ access_token: 't', ...times });
    return readTokenResponse({ ...answer, body }, { ...at, tolerateClockSkew: true });
  };

  test('expires_in alone counts beside an expires_on in the past', () => {
    expect(skewed({ expires_on: '1699999999', expires_in: '60' })).toMatchObject({
      expiresOnTimestamp: now + 60_000,
    });
    expect(skewed({ expires_on: '1700000000', expires_in: '60' })).toMatchObject({
      expiresOnTimestamp: now + 60_000,
    });
    expect(skewed({ expires_on: '1700000030', expires_in: '60' })).toMatchObject({
      expiresOnTimestamp: now + 30_000,
    });
  });

  test.each([
    [{ expires_on: '1699999999' }, past],
    [{ expires_on: '1699999999', expires_in: 'soon' }, past],
    [{ expires_on: '1700003599000', expires_in: '60' }, farAhead],
  ])('%j is refused all the same', (times, why) => {
    expect(skewed(times)).toMatchObject({ code: 'invalid-response', reason: expect.stringContaining(why) });
  });
});

test('a token without a time of either field is refused because of that', () => {
  const { reason } = refused({ access_token: 'secret', expires_on: 'soon', expires_in: '-5' });
  expect(reason).toContain('neither expires_on nor expires_in is a valid time');
});

test.each<[unknown, number | undefined]>([
  ['1699999700', 1_699_999_700_000],
  ['2023-11-14T22:13:19Z', 1_699_999_999_000],
  [0, undefined],
  [-1, undefined],
  ['9'.repeat(400), undefined],
  ['soon', undefined],
  ['+002023-11-14T22:13:19Z', undefined],
  [['2023-11-14T22:13:19Z'], undefined],
])('not_before as %j is %j', (not_before, expected) => {
  const token = read({ access_token: 't', expires_in: 60, not_before });
  expect('notBeforeTimestamp' in token ? token.notBeforeTimestamp : undefined).toBe(expected);
});

describe('a refusal', () => {
  const refusal = (description: string) => ({ error: 'invalid_request', error_description: description });
  const multiple =
    'Multiple user assigned identities exist, please specify the clientId / resourceId of the identity in the token request';
  /** The first is by IMDS (issue 681 of aad-pod-identity), the others by what stands in its place. */
  const notAssigned = [
    'Identity not found',
    // Azure Arc, in the tests of MSAL for Python.
    'The requested identity was not found',
    // App Service, in the tests of MSAL for .NET and Java.
    'No User Assigned or Delegated Managed Identity found for specified ClientId/ResourceId/PrincipalId.',
    // The texts of azidentity (Go) and Azure.Identity (.NET), which programs in front of the service pass on.
    "the requested identity isn't assigned to this resource",
    'The requested identity has not been assigned to this resource.',
    'No default identity is assigned to this resource.',
  ];
  test.each<[number, unknown, ImdsErrorCode, boolean]>([
    [400, refusal('Required metadata header not specified'), 'bad-request', false],
    [400, refusal('Identity not found'), 'identity-not-found', false],
    ...notAssigned.map((text): [number, unknown, ImdsErrorCode, boolean] => [
      400,
      refusal(text),
      'identity-not-found',
      false,
    ]),
    [400, refusal('The request was not found valid'), 'bad-request', false],
    [400, refusal('No role is assigned to this resource'), 'bad-request', false],
    [400, refusal(multiple), 'ambiguous-identity', false],
    [400, refusal(`Identity not found. ${multiple}`), 'ambiguous-identity', false],
    [401, { error: 'unauthorized_client' }, 'denied', false],
    [403, 'Forbidden', 'denied', false],
    [404, '', 'unavailable', true],
    [405, '', 'bad-request', false],
    [408, '', 'unavailable', true],
    [410, '', 'unavailable', true],
    [429, { error: 'too_many_requests' }, 'throttled', true],
    [499, '', 'bad-request', false],
    [500, { error: 'unknown' }, 'unavailable', true],
    [503, 'not yet', 'unavailable', true],
    [599, '', 'unavailable', true],
    [204, '', 'invalid-response', false],
    [302, '', 'invalid-response', false],
    [600, '', 'invalid-response', false],
  ])('of status %s with %j is %s', (...[status, body, code, retryable]) => {
    expect(read(body, { status })).toMatchObject({ code, status, retryable });
  });

  test('has the message of the endpoint in one line, with what was asked for', () => {
    const error = refused(refusal('Identity not found'), { status: 400 });
    const reason = 'the endpoint answered 400 invalid_request: Identity not found';
    expect(String(error)).toBe(`ImdsError: ${reason} (resource https://asked.for, default identity)`);
    expect(error.reason).toBe(reason);
    expect(error).toMatchObject({ serviceCode: 'invalid_request', description: undefined });
    expect(refused({ error: 'a: b', error_description: 'c' }, { status: 400 }).serviceCode).toBe('a: b');
    expect(refused({ error: 'a: ' }, { status: 400 }).serviceCode).toBe('a: ');
    expect(refused({ error: ': c', error_description: 'c' }, { status: 400 }).serviceCode).toBe(': c');
    expect(refused({ error: 'busy', error_description: 'usy' }, { status: 400 }).serviceCode).toBe('busy');
    expect(refused({ error_description: 'c' }, { status: 400 }).reason).toBe('the endpoint answered 400 c');
    expect(refused('5').reason).toBe('the endpoint answered 200 without a JSON object');
  });

  test('has the message up to 4000 characters, and shows where it is cut', () => {
    const text = (length: number) => 'it was so '.repeat(1000).slice(0, length);
    const reasonOf = (description: string) => refused(refusal(description), { status: 400 }).reason;
    expect(reasonOf(text(4000))).toBe(`the endpoint answered 400 invalid_request: ${text(4000)}`);
    expect(reasonOf(text(4001))).toBe(`the endpoint answered 400 invalid_request: ${text(4000)}…`);
    expect(reasonOf(`${text(3999)}\u{1f512}`)).toBe(
      `the endpoint answered 400 invalid_request: ${text(3999)}…`,
    );
    const { serviceCode, reason } = refused({ error: text(9999) }, { status: 400 });
    expect(serviceCode).toBe(`${text(500)}…`);
    expect(reason.length).toBeLessThan(600);
    const twice = refused({ error: `code: ${text(9000)}`, error_description: text(9000) }, { status: 400 });
    expect(twice.serviceCode).toBe('code');
  });

  test('has the reason once if it is in both fields, as NMI writes it', () => {
    const reason = 'Identity not found. Pod shop/web has no label aadpodidbinding.';
    const told = { error: `invalid_request: ${reason}`, error_description: reason };
    const error = refused(told, { status: 400 });
    expect(error).toMatchObject({ code: 'identity-not-found', serviceCode: 'invalid_request' });
    expect(error.reason).toBe(`the endpoint answered 400 invalid_request: ${reason}`);
  });

  test('has the reason once if `error` has its beginning, as NMI writes it', () => {
    const reason = `Identity not found. Pod shop/web may ask for: ${'a, '.repeat(99)}b.`;
    const told = { error: `invalid_request: ${reason.slice(0, 237)}...`, error_description: reason };
    const error = refused(told, { status: 400 });
    expect(error).toMatchObject({ code: 'identity-not-found', serviceCode: 'invalid_request' });
    expect(error.reason).toBe(`the endpoint answered 400 invalid_request: ${reason}`);
  });

  test('has the reason once if that has three dots, as NMI writes it', () => {
    const reason = 'Identity not found... for now.';
    const error = refused(
      { error: `invalid_request: ${reason}`, error_description: reason },
      { status: 400 },
    );
    expect(error.serviceCode).toBe('invalid_request');
  });

  test.each([
    ['letters', 'L’identité « reader » n’est pas permise.'],
    ['several in a row', '\u6c92\u6709\u8eab\u5206 of shop/web \u{1f512}'],
    ['line breaks', 'It has no role.\r\n\r\n- rule\u2028- rule'],
  ])('has the reason once if it is not ASCII: NMI writes a space in `error` for %s', (_, reason) => {
    for (const length of [240, 1000])
      for (const text of [reason, reason.repeat(99)]) {
        const line = text.replace(/[^ -~]+/g, ' ');
        const told = line.length > length ? `${line.slice(0, length - 3)}...` : line;
        const error = refused({ error: `access_denied: ${told}`, error_description: text }, { status: 403 });
        expect(error.serviceCode).toBe('access_denied');
      }
  });

  test.each<[string, string | null, number | undefined]>([
    ['no header', null, undefined],
    ['seconds', '180', 180_000],
    ['seconds between blanks', ' 180 ', 180_000],
    ['an HTTP date', 'Tue, 14 Nov 2023 22:16:20 GMT', 180_000],
    ['a date after something else', '(a) Tue, 14 Nov 2023 22:16:20 GMT', undefined],
    ['a date of another zone', 'Tue, 14 Nov 2023 22:16:20 GMT+0100', undefined],
    ['a date that is past', 'Tue, 14 Nov 2023 22:00:00 GMT', 0],
    ['something else', 'later', undefined],
    ['a fraction', '1.5', undefined],
    ['a negative number', '-5', undefined],
    ['two numbers', '2, 5', undefined],
    ['a date of another form', '2023-11-14T22:16:20Z', undefined],
    ['digits without end', '9'.repeat(400), undefined],
  ])('with Retry-After as %s', (_, retryAfter, ms) => {
    expect(read('', { status: 429, retryAfter })).toMatchObject({ retryAfterMs: ms });
  });
});

test.each<[string | null, object, string | undefined]>([
  ['a-1', { correlation_id: 'b-2' }, 'a-1'],
  [null, { correlation_id: 'b-2' }, 'b-2'],
  [null, {}, undefined],
  [null, { correlation_id: 5 }, undefined],
  ['a text\u001b[2J', {}, undefined],
])('with the request id %j in its header and %j in its body has %j', (requestId, body, expected) => {
  expect(refused({ error: 'x', ...body }, { status: 400, requestId }).requestId).toBe(expected);
  // Also of what should have been a token.
  expect(refused({ ...body }, { requestId }).requestId).toBe(expected);
});

test('control characters of a refusal do not reach a log or a terminal', () => {
  const error = refused({ error: 'a\nb', error_description: 'c\r\nd\u001b[2Je\u009b1A' }, { status: 400 });
  expect(error.reason).toBe('the endpoint answered 400 a b: c d [2Je 1A');
  expect(error.serviceCode).toBe('a b');
});

// Kubernetes allows names of 253 characters.
test.each([
  ['Identity not found', 'identity-not-found'],
  ['Multiple user assigned identities exist', 'ambiguous-identity'],
])('a refusal with a long name is quoted without it, and of its kind: %s', (text, code) => {
  const error_description = `${text}. Pod ${'a'.repeat(130)} has no label aadpodidbinding.`;
  const reason = `the endpoint answered 400 invalid_request: ${text}. Pod [130 characters left out] has no label aadpodidbinding.`;
  for (const error of ['invalid_request', `invalid_request: ${error_description}`])
    expect(refused({ error, error_description }, { status: 400 })).toMatchObject({ code, reason });
});

test('a refusal that may hold a token is of its kind all the same', () => {
  const error_description = 'Identity not found: eyJhbGciOi';
  const error = refused({ error: 'invalid_request', error_description }, { status: 400 });
  expect(error).toMatchObject({
    code: 'identity-not-found',
    reason: 'the endpoint answered 400 invalid_request',
  });
});

describe('a refusal without JSON', () => {
  const compat =
    'getting assigned identities for pod default/web in CREATED state failed after 16 attempts, retry duration [5]s, error: <nil>. Check MIC pod logs for identity assignment errors\n';
  test.each<[string | null, string, string]>([
    ['text/plain; charset=utf-8', compat, `: ${compat.trim()}`],
    [
      'text/plain',
      `adal: Status Code = '400'. Response body: {"error":"x"}`,
      `: adal: Status Code = '400'. Response body: {"error":"x"}`,
    ],
    [null, 'Forbidden', ': Forbidden'],
    [null, 'a\r\nb\u001b[2J\u202e', ': a b [2J'],
    ['text/plain', 'a '.repeat(300), `: ${'a '.repeat(200)}…`],
    ['text/plain', '', ''],
    ['application/octet-stream', 'x', ''],
    ['text/plain', '\ufffdx', ''],
    ['text/html; charset=utf-8', 'Sign in', ': a web page, not a metadata service'],
    [null, '\ufeff\n<!DOCTYPE html><p>Sign in', ': a web page, not a metadata service'],
    [null, '<html>', ': a web page, not a metadata service'],
  ])('of %s, %j, says why', (contentType, body, why) => {
    expect(refused(body, { status: 404, contentType }).reason).toBe(`the endpoint answered 404${why}`);
  });

  const parts = ['eyJhbGciOiJSUzI1NiJ9', 'eyJvaWQiOiJvLTEifQ', 'c2lnbmF0dXJl'];
  test.each([
    parts.join('.'),
    `your token was ${parts.join('.')}`,
    `your token was _${parts.join('.')}`,
    `access_token=${parts[2]}`,
    `{"access_token": "${parts[2]}"`,
    `Authorization: Bearer ${parts[2]}${parts[2]}`,
    `refused: ${'c2ln'.repeat(40)}`,
    `${'a '.repeat(195)} ${parts.join('.')}`,
  ])('that may hold a token is not quoted: %j', (body) => {
    const texts = [
      refused(body, { status: 403, contentType: 'text/plain' }),
      refused({ error: `x: ${body}`, error_description: body }, { status: 403 }),
    ].map((error) => `${JSON.stringify(error)} ${String(error)}`);
    for (const part of [...parts, 'c2lnc2ln']) expect(texts.join(' ')).not.toContain(part);
  });

  test('is not quoted from a 200', () => {
    expect(refused('secret', { contentType: 'text/plain' }).reason).not.toContain('secret');
  });
});

test.each(['no JSON', '{"access_token":"t\\u0007"}', '{"access_token":"t"}'])(
  'the id of a request that was answered 200 with %j is told',
  (body) => {
    expect(refused(body, { requestId: 'id-1' })).toMatchObject({
      code: 'invalid-response',
      requestId: 'id-1',
    });
  },
);
