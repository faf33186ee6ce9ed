import { expect, test } from 'vitest';
import { identityOf } from './identity.ts';

const encoded = (value: unknown) => Buffer.from(JSON.stringify(value)).toString('base64url');
const tokenOf = (claims: unknown) => `${encoded({ alg: 'RS256' })}.${encoded(claims)}.signature`;
const claims = { appid: 'client', oid: 'object', tid: 'tenant', xms_mirid: '/subscriptions/s' };

test('the identity is in the claims of a token', () => {
  expect(identityOf(tokenOf(claims))).toEqual({
    clientId: 'client',
    objectId: 'object',
    tenantId: 'tenant',
    resourceId: '/subscriptions/s',
  });
});

test('a token of version 2 has azp, and one of an application no resource id', () => {
  expect(identityOf(tokenOf({ azp: 'client', oid: 'object', tid: 'tenant' }))).toEqual({
    clientId: 'client',
    objectId: 'object',
    tenantId: 'tenant',
    resourceId: undefined,
  });
});

test.each([
  ['no token', ''],
  ['an opaque token', 'opaque'],
  ['no JSON', 'a.b.c'],
  ['a list', tokenOf([1])],
  ['null', tokenOf(null)],
  ['other types', tokenOf({ ...claims, oid: 1 })],
  ['no tenant', tokenOf({ ...claims, tid: '' })],
])('%s: no identity', (_, token) => {
  expect(identityOf(token)).toBeUndefined();
});

test('a claim has no control characters: it cannot forge a line of the log', () => {
  const forged = {
    appid: 'c\u001b[31m',
    oid: 'o\r\n',
    tid: 't\nread secret a',
    xms_mirid: '/r\u2028\u202e\u0085s',
  };
  expect(identityOf(tokenOf(forged))).toEqual({
    clientId: 'c[31m',
    objectId: 'o',
    tenantId: 'tread secret a',
    resourceId: '/rs',
  });
  expect(identityOf(tokenOf({ ...claims, tid: '\n' }))).toBeUndefined();
});
