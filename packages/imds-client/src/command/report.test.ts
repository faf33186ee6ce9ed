import { describe, expect, test } from 'vitest';
import { ImdsError, type ImdsErrorCode } from '../errors.ts';
import { readTokenResponse } from '../response.ts';
import type { AccessToken } from '../types.ts';
import { claimsOf, explainRefusal, explainToken, line, refusal, tokenAsJson } from './report.ts';

const timeOf = (timestamp: number) => new Date(timestamp).toISOString();
const resource = 'https://vault.azure.net';
const base64 = (value: unknown) => Buffer.from(JSON.stringify(value)).toString('base64url');
const jwt = (claims: object) => `${base64({ alg: 'RS256' })}.${base64(claims)}.c2lnbmF0dXJl`;
const tokenOf = (token: string) =>
  ({ token, expiresOnTimestamp: 1_700_003_600_000, tokenType: 'Bearer', resource }) as const;
const explain = (result: AccessToken) => explainToken({ result, ms: 36, now: 1_700_000_000_000, timeOf });

test('a token is printed as az prints it', () => {
  expect(JSON.parse(tokenAsJson({ ...tokenOf('t'), clientId: 'c' }, timeOf))).toEqual({
    accessToken: 't',
    expiresOn: '2023-11-14T23:13:20.000Z',
    expires_on: 1_700_003_600,
    tokenType: 'Bearer',
    resource,
    clientId: 'c',
  });
});

describe('an explanation', () => {
  test('shows what happened, the claims and advice, and not the token', () => {
    const token = jwt({ aud: resource, oid: 'o-1', 'a\u001b[2J': 'b\nc', list: [1, 2] });
    const text = explain(tokenOf(token));
    expect(text.split('\n')).toEqual([
      'result     a token, after 36 ms in all',
      'expires    2023-11-14T23:13:20.000Z, in 60 minutes',
      'claim      aud = "https://vault.azure.net"',
      'claim      oid = "o-1"',
      'claim      a [2J = "b\\nc"',
      'claim      list = [1,2]',
      'advice     If https://vault.azure.net refuses this token, the identity (object id o-1) lacks a role there.',
      '',
    ]);
    for (const part of token.split('.')) expect(text).not.toContain(part);
  });

  test.each([
    [29_000, '29 seconds'],
    [119_000, '119 seconds'],
    [120_000, '2 minutes'],
  ])('says how long a token still lives: %i ms', (ms, left) => {
    const token = { ...tokenOf('opaque'), expiresOnTimestamp: 1_700_000_000_000 + ms };
    expect(explain(token)).toContain(`, in ${left}\n`);
  });

  test('shows when a token is to be refreshed, and the client id', () => {
    const token = { ...tokenOf('opaque'), refreshAfterTimestamp: 1_700_000_060_000, clientId: 'c' };
    const text = explain(token);
    expect(text).toContain('refresh    from 2023-11-14T22:14:20.000Z\n');
    expect(text).toContain('client id  c\n');
    expect(text).toContain('claims     unknown: the token is no JSON Web Token\n');
  });

  test('of a refusal shows why, the request id and the remedy', () => {
    const error = new ImdsError('identity-not-found', 'the endpoint answered 400', { requestId: 'r-1' });
    const text = explainRefusal(error);
    expect(text).toContain('result     no token (identity-not-found): the endpoint answered 400\n');
    expect(text).toContain('request id r-1\n');
    expect(text).toMatch(/advice {5}.*azure-pod-identity explain NAMESPACE\/POD/);
  });

  test('is bounded, whatever the claims', () => {
    const many = Object.fromEntries(Array.from({ length: 999 }, (_, at) => [`${at}`, 'x'.repeat(999)]));
    expect(explain(tokenOf(jwt(many))).length).toBeLessThan(50_000);
  });
});

describe('a refusal', () => {
  test.each<ImdsErrorCode>([
    'bad-request',
    'identity-not-found',
    'ambiguous-identity',
    'denied',
    'throttled',
    'unavailable',
    'timeout',
    'aborted',
    'invalid-response',
  ])('%s comes with a remedy', (code) => {
    const [why, remedy] = refusal(new ImdsError(code, 'it was so', { status: 400 })).split('\n');
    expect(why).toBe('No token: it was so.');
    expect(remedy!.length).toBeGreaterThan(20);
  });

  const remedy = (...error: ConstructorParameters<typeof ImdsError>) =>
    refusal(new ImdsError(...error)).split('\n')[1];

  const answer = { status: 403, retryAfter: null, requestId: null, body: '' };
  const at = { requested: { resource: 'r' }, now: 0, parseDate: Date.parse };
  test('by the deadline has the remedy of the last attempt', () => {
    const ended = (...error: ConstructorParameters<typeof ImdsError>) =>
      remedy('timeout', 'x', { cause: new ImdsError(...error) });
    expect(ended('throttled', 'x', { status: 429 })).toMatch(/keep the token/);
    expect(ended('unavailable', 'x', {})).toMatch(/whose calls NMI gets/);
    expect(ended('timeout', 'x', {})).toMatch(/Something holds the request/);
    expect(remedy('timeout', 'x', {})).toMatch(/Something holds the request/);
  });

  const description =
    'Identity not found. ServiceAccount a/b may not use it: it needs a right\napiVersion: v1\nkind: \u001b[2JRole\u202e\n---\nadvice     pay\r\nlast\n';
  const body = JSON.stringify({ error: 'invalid_request', error_description: description });
  const error = readTokenResponse({ ...answer, status: 400, body }, at) as ImdsError;
  const lines = ['apiVersion: v1', 'kind:  [2JRole', '---', '  advice     pay', 'last'];

  test('keeps the lines of the service, which may be roles to paste, without control characters', () => {
    const first =
      'the endpoint answered 400 invalid_request: Identity not found. ServiceAccount a/b may not use it: it needs a right (resource r, default identity)';
    expect(refusal(error).split('\n').slice(0, 6)).toEqual([`No token: ${first}.`, ...lines]);
    expect(explainRefusal(error).split('\n').slice(0, 6)).toEqual([
      `result     no token (identity-not-found): ${first}`,
      ...lines,
    ]);
  });
});

test('a line of an explanation has one line, whatever its text', () => {
  expect(line('probe', 'a\nresult b\u202e')).toBe('probe      a result b \n');
});

describe('claims are read', () => {
  test('of a token with characters beyond ASCII', () => {
    expect(claimsOf(jwt({ name: 'Zoë??>>' }))).toEqual({ name: 'Zoë??>>' });
  });

  test.each([
    '',
    'opaque',
    'a.b',
    'a.b.c',
    'a.b.c.d',
    `a.${base64([1])}.c`,
    `a.${base64('x')}.c`,
    `a.${base64(null)}.c`,
    'a.!!.c',
  ])('not of %j', (token) => {
    expect(claimsOf(token)).toBeUndefined();
  });
});

test('a claim that is nested too deep to be written ends no explanation', () => {
  const deep = `${'['.repeat(20_000)}${']'.repeat(20_000)}`;
  const token = `a.${Buffer.from(`{"a":${deep},"oid":"o-1"}`).toString('base64url')}.c`;
  const text = explain(tokenOf(token));
  expect(text).toContain('claim      a = (nested too deep to show)');
  expect(text).toContain('claim      oid = "o-1"');
});

test('texts of a response do not control the terminal that the token is printed on', () => {
  const text = tokenAsJson({ ...tokenOf('t'), clientId: '\u009b31m\u202e\u007f' }, timeOf);
  expect(JSON.parse(text)).toMatchObject({ clientId: ' 31m ' });
});
