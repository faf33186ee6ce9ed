import { expect, it } from 'vitest';
import { ImdsError, type ImdsErrorCode } from '@pod-identity/imds-client';
import { redactId, TokenError, tokenErrorOf, withoutIds, type TokenErrorCode } from './errors.ts';

it('ids are shown by their ends, whatever their case, and the rest of a text as it is', () => {
  const id = '12345678-2222-4333-8444-5555555567ab';
  expect(withoutIds(`tenant ${id}, client ${id.toUpperCase()}; AADSTS1`)).toBe(
    'tenant 1234##### REDACTED #####67ab, client 1234##### REDACTED #####67AB; AADSTS1',
  );
});

it.each([
  ['short', 'short'],
  ['12345678', '12345678'],
  ['123456789', '1234##### REDACTED #####6789'],
])('%s is shown as %s', (id, shown) => {
  expect(redactId(id)).toBe(shown);
});

it('the message for a pod does not repeat the resource id that NMI asked for', () => {
  const identity = { resourceId: '/subscriptions/s/resourcegroups/secret-group/x' };
  const cause = new ImdsError('denied', 'no', { status: 403, requested: { resource: 'r', identity } });
  expect(cause.message).toContain('secret-group');
  expect(tokenErrorOf(cause).message).not.toContain('secret-group');
});

it('the message for a pod is bounded, and shows where it is cut', () => {
  const { message } = tokenErrorOf(new ImdsError('denied', 'so '.repeat(999), { status: 403 }));
  expect(message).toBe(
    `The metadata service of this machine gave no token: ${'so '.repeat(999).slice(0, 500)}…`,
  );
});

it('an error keeps what it was caused by', () => {
  const cause = new Error('reset');
  expect(new TokenError('unavailable', 'no', { cause }).cause).toBe(cause);
  expect(new TokenError('unavailable', 'no')).not.toHaveProperty('cause');
});

it.each<[ImdsErrorCode, number | undefined, TokenErrorCode]>([
  ['identity-not-found', 400, 'not-on-host'],
  ['bad-request', 400, 'refused'],
  ['ambiguous-identity', 400, 'refused'],
  ['denied', 403, 'denied'],
  ['throttled', 429, 'throttled'],
  ['unavailable', 503, 'unavailable'],
  ['unavailable', 410, 'updating'],
  ['timeout', undefined, 'unavailable'],
  ['aborted', undefined, 'unavailable'],
  ['invalid-response', 200, 'unavailable'],
])('the metadata service’s %s (%s) is %s to a pod', (code, status, expected) => {
  const cause = new ImdsError(code, 'why', { ...(status && { status }), retryAfterMs: 7_000 });
  expect(tokenErrorOf(cause)).toMatchObject({ code: expected, status, retryAfterMs: 7_000, cause });
});
