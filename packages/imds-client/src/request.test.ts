import { describe, expect, test } from 'vitest';
import { identityOf, keyOf, parseIdentity, parseRequest, tokenUrl } from './request.ts';
import type { Identity, TokenRequest } from './types.ts';

const resource = 'https://vault.azure.net';
const base = { endpoint: 'http://h', apiVersion: '2018-02-01' };
const url = (request: TokenRequest) => tokenUrl(base, parseRequest(request));
const key = (request: TokenRequest) => keyOf(parseRequest(request));
const start =
  'http://h/metadata/identity/oauth2/token?api-version=2018-02-01&resource=https%3A%2F%2Fvault.azure.net';

test.each<Identity>([{ clientId: 'c' }, { objectId: 'o' }, { resourceId: '/r' }])(
  'the identity %j is the same after it was read',
  (identity) => {
    expect(identityOf(parseIdentity(identity))).toEqual(identity);
  },
);

describe('the address of a token', () => {
  test.each<[string, Partial<TokenRequest>, string]>([
    ['of the default identity', {}, ''],
    ['by client id', { identity: { clientId: 'c' } }, '&client_id=c'],
    ['by object id', { identity: { objectId: 'o' } }, '&object_id=o'],
    ['by resource id', { identity: { resourceId: '/sub/x' } }, '&msi_res_id=%2Fsub%2Fx'],
  ])('%s', (_, more, end) => {
    expect(url({ resource, ...more })).toBe(start + end);
  });

  test('may be for a resource with the name of a scope within', () => {
    expect(url({ resource: 'https://a.b/.default/x' })).toContain('.default%2Fx');
  });

  test('keeps the trailing slash of a resource', () => {
    expect(url({ resource: 'https://a.b/' })).toMatch(/resource=https%3A%2F%2Fa\.b%2F$/);
  });

  test.each<[string, TokenRequest]>([
    ['resource must be a string of one word', { resource: '' }],
    ['resource must be a string of one word', {} as TokenRequest],
    ['identity.clientId must be a string of one word', { resource, identity: { clientId: '' } }],
    [
      'identity must be named once, not by clientId and resourceId',
      { resource, identity: { clientId: 'c', resourceId: 'r' } as unknown as Identity },
    ],
    [
      'identity must have clientId, objectId or resourceId: leave it out for the default',
      { resource, identity: {} as Identity },
    ],
    [
      'identity must have clientId, objectId or resourceId: leave it out for the default',
      { resource, identity: 'c' as unknown as Identity },
    ],
    [
      'identity.clientId is undefined: leave it out for the default',
      { resource, identity: { clientId: undefined } as unknown as Identity },
    ],
    // An id that is not read would get the caller a token of the default identity.
    ...[
      'clientId',
      'objectId',
      'resourceId',
      'clientID',
      'client_id',
      'client-id',
      'object_id',
      'mi_res_id',
      'msi_res_id',
      'managedIdentityClientId',
      'managedIdentityResourceId',
    ].map((name): [string, TokenRequest] => [
      `${name} must be in identity: clientId, objectId or resourceId`,
      { resource, [name]: 'c' },
    ]),
    // From a file or a Secret with a line end, or of two words.
    ['identity.clientId must be a string of one word', { resource, identity: { clientId: 'c\n' } }],
    ['resource must be a string of one word', { resource: ' ' }],
    ['resource must be a string of one word', { resource: `${resource} x` }],
    [
      'resource must be an audience, not a scope: leave out /.default, or use createImdsCredential',
      { resource: `${resource}/.default` },
    ],
  ])('is refused: %s', (message, request) => {
    expect(() => url(request)).toThrow(new TypeError(message));
  });
});

describe('two requests share a response', () => {
  test('when ids that name an identity differ by case alone', () => {
    expect(key({ resource, identity: { clientId: 'AB' } })).toBe(
      key({ resource, identity: { clientId: 'ab' } }),
    );
    expect(key({ resource, identity: { resourceId: '/Sub' } })).toBe(
      key({ resource, identity: { resourceId: '/sub' } }),
    );
  });

  test.each<[string, TokenRequest, TokenRequest]>([
    ['the resource is another one', { resource }, { resource: `${resource}/` }],
    ['the resource differs by case', { resource: 'api://A' }, { resource: 'api://a' }],
    [
      'the identity is another one',
      { resource, identity: { clientId: 'a' } },
      { resource, identity: { clientId: 'b' } },
    ],
    [
      'the identity is named otherwise',
      { resource, identity: { clientId: 'a' } },
      { resource, identity: { objectId: 'a' } },
    ],
    [
      'an id and a resource together are the same text',
      { resource: 'c', identity: { clientId: 'a|b' } },
      { resource: 'b|c', identity: { clientId: 'a' } },
    ],
    [
      'a resource looks like an identity and a resource',
      { resource: 'client_id:1:a|r' },
      { resource: 'r', identity: { clientId: 'a' } },
    ],
  ])('not when %s', (_, one, other) => {
    expect(key(one)).not.toBe(key(other));
  });
});
