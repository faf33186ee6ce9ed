import { describe, expect, test } from 'vitest';
import { keyOf, parseEndpoint, parseQuery, tokenUrl } from './request.ts';
import type { TokenRequest } from './types.ts';

const resource = 'https://vault.azure.net';
const url = (request: TokenRequest) => tokenUrl('http://h', parseQuery(request, '2018-02-01'));
const key = (request: TokenRequest) => keyOf(parseQuery(request, '2018-02-01'));
const start =
  'http://h/metadata/identity/oauth2/token?api-version=2018-02-01&resource=https%3A%2F%2Fvault.azure.net';

describe('the address of a token', () => {
  test.each<[string, Partial<TokenRequest>, string]>([
    ['of the default identity', {}, ''],
    ['by client id', { clientId: 'c' }, '&client_id=c'],
    ['by object id', { objectId: 'o' }, '&object_id=o'],
    ['by resource id', { resourceId: '/sub/x' }, '&msi_res_id=%2Fsub%2Fx'],
    ['with more', { clientId: 'c', passThrough: { xms_cc: 'cp1' } }, '&client_id=c&xms_cc=cp1'],
  ])('%s', (_, more, end) => {
    expect(url({ resource, ...more })).toBe(start + end);
  });

  test('keeps the trailing slash of a resource', () => {
    expect(url({ resource: 'https://a.b/' })).toMatch(/resource=https%3A%2F%2Fa\.b%2F$/);
  });

  test.each<[string, TokenRequest]>([
    ['resource must be a non-empty string', { resource: '' }],
    ['resource must be a non-empty string', {} as TokenRequest],
    ['clientId must be a non-empty string', { resource, clientId: '' }],
    ['name the identity once, not by clientId and resourceId', { resource, clientId: 'c', resourceId: 'r' }],
    [
      'passThrough must not hold client_id: the request has a field for it',
      { resource, passThrough: { client_id: 'c' } },
    ],
    [
      'passThrough must not hold resource: the request has a field for it',
      { resource, passThrough: { resource: 'x' } },
    ],
  ])('is refused: %s', (message, request) => {
    expect(() => url(request)).toThrow(new TypeError(message));
  });
});

describe('two requests share a response', () => {
  test('when ids that name an identity differ by case alone', () => {
    expect(key({ resource, clientId: 'AB' })).toBe(key({ resource, clientId: 'ab' }));
    expect(key({ resource, resourceId: '/Sub' })).toBe(key({ resource, resourceId: '/sub' }));
  });

  test('when further parameters come in another order', () => {
    expect(key({ resource, passThrough: { a: '1', b: '2' } })).toBe(
      key({ resource, passThrough: { b: '2', a: '1' } }),
    );
  });

  test.each<[string, TokenRequest, TokenRequest]>([
    ['the resource is another one', { resource }, { resource: `${resource}/` }],
    ['the resource differs by case', { resource: 'api://A' }, { resource: 'api://a' }],
    ['the identity is another one', { resource, clientId: 'a' }, { resource, clientId: 'b' }],
    ['the identity is named otherwise', { resource, clientId: 'a' }, { resource, objectId: 'a' }],
    ['there are further parameters', { resource }, { resource, passThrough: { xms_cc: 'cp1' } }],
  ])('not when %s', (_, one, other) => {
    expect(key(one)).not.toBe(key(other));
  });
});

describe('an endpoint', () => {
  test.each([
    ['http://127.0.0.1:8080', 'http://127.0.0.1:8080'],
    ['http://127.0.0.1:8080/', 'http://127.0.0.1:8080'],
    ['https://host/base', 'https://host/base'],
  ])('%s is %s', (endpoint, base) => {
    expect(parseEndpoint(endpoint)).toBe(base);
  });

  test.each(['', '169.254.169.254', 'ftp://host', 'http://host/?a=b', 'http://host/#x'])(
    '%j is refused',
    (endpoint) => {
      expect(() => parseEndpoint(endpoint)).toThrow(TypeError);
    },
  );
});
