import { describe, expect, it, test } from 'vitest';
import { classify, identitiesNamedIn, parseRetryAfter, type ArmFailure } from './arm-errors.ts';

const identity = (name: string) =>
  `/subscriptions/5c0f-11/resourceGroups/my_rg.(1)-x/providers/Microsoft.ManagedIdentity/userAssignedIdentities/${name}`;
const lower = (...names: string[]) => names.map((name) => identity(name).toLowerCase());
const now = Date.UTC(2026, 10, 24, 12, 0, 0);

describe('C25 identities named in a message of ARM', () => {
  test.each([
    ['one in quotes', `Resource '${identity('id-1')}' was not found.`, ['id-1']],
    [
      'two, comma-separated',
      `on the linked scope(s) '${identity('id-1')},${identity('id_2')}' or the linked`,
      ['id-1', 'id_2'],
    ],
    ['the same in other case, once', `'${identity('A')}' and '${identity('a').toUpperCase()}'`, ['a']],
    ['at the end of a sentence', `cannot assign ${identity('id-1')}.`, ['id-1']],
    ['escaped inside a nested answer', `Response: '{\\"message\\":\\"${identity('id-1')}\\"}'`, ['id-1']],
    [
      'none, but another resource',
      `'/subscriptions/s/resourceGroups/g/providers/Microsoft.Compute/virtualMachines/v'`,
      [],
    ],
    ['none', 'something went wrong', []],
    ['nothing said', undefined, []],
  ])('%s', (_, message, names) => {
    expect(identitiesNamedIn(message)).toEqual(lower(...names));
  });
});

it('C25 names identities of groups with letters of any language', () => {
  const id =
    '/subscriptions/s/resourceGroups/größe_(2).x/providers/Microsoft.ManagedIdentity/userAssignedIdentities/a';
  expect(identitiesNamedIn(`'${id}' was not found`)).toEqual([id.toLowerCase()]);
});

describe('C26 Retry-After', () => {
  test.each([
    ['no header', undefined, undefined],
    ['an empty header', '', undefined],
    ['seconds', '180', 180_000],
    ['an RFC 1123 date', 'Tue, 24 Nov 2026 12:03:00 GMT', 180_000],
    ['an RFC 822 date', '24 Nov 26 12:03 UTC', 180_000],
    ['a date that is over', 'Tue, 24 Nov 2026 11:00:00 GMT', 0],
    ['words', 'in a while', undefined],
  ])('%s', (_, header, expected) => {
    expect(parseRetryAfter(header, now)).toBe(expected);
  });
});

const said = (code: string, message = 'because') => ({ error: { code, message } });

describe('what an answer means', () => {
  const linked = `The client 'c' with object id 'o' has permission to perform action 'Microsoft.Compute/virtualMachines/write' on scope '/x'; however, it does not have permission to perform action 'Microsoft.ManagedIdentity/userAssignedIdentities/assign/action' on the linked scope(s) '${identity('a')}' or the linked scope(s) are invalid.`;
  const linkedElsewhere = `The client 'c' with object id 'o' has permission to perform action 'Microsoft.Compute/virtualMachines/write' on scope '/x'; however, it does not have permission to perform action(s) 'Microsoft.Network/virtualNetworks/subnets/join/action' on the linked scope(s) '/subscriptions/s/resourceGroups/g/providers/Microsoft.Network/virtualNetworks/v/subnets/s'.`;
  const forbidden = `The client 'c' does not have authorization to perform action 'Microsoft.Compute/virtualMachines/write' over scope '/x' or the scope is invalid.`;
  const table: readonly (readonly [string, Parameters<typeof classify>[0], Partial<ArmFailure>])[] = [
    [
      'a missing right on an identity',
      { status: 403, body: said('LinkedAuthorizationFailed', linked) },
      { kind: 'rejected', code: 'LinkedAuthorizationFailed', named: lower('a') as never },
    ],
    [
      'the same under the plain code',
      {
        status: 403,
        body: said(
          'AuthorizationFailed',
          `may not perform action 'Microsoft.ManagedIdentity/userAssignedIdentities/assign/action' over scope '${identity('a')}'`,
        ),
      },
      { kind: 'rejected', code: 'LinkedAuthorizationFailed', named: lower('a') as never },
    ],
    [
      'a missing right on the host',
      { status: 403, body: said('AuthorizationFailed', forbidden) },
      { kind: 'denied' },
    ],
    [
      'a missing right on what the host depends on',
      { status: 403, body: said('LinkedAuthorizationFailed', linkedElsewhere) },
      { kind: 'failed', code: 'LinkedAuthorizationFailed' },
    ],
    [
      'an identity that is not there',
      { status: 400, body: said('FailedIdentityOperation', `'${identity('a')}' was not found`) },
      { kind: 'rejected', code: 'FailedIdentityOperation', named: lower('a') as never },
    ],
    [
      'the identity service throttling',
      {
        status: 400,
        body: said('FailedIdentityOperation', `'${identity('a')}': TooManyRequests. Retry after 17 seconds`),
      },
      { kind: 'throttled', retryAfterMs: 17_000, scope: 'host' },
    ],
    [
      'the same id twice',
      { status: 400, body: said('InvalidParameter', "The identity id 'x' cannot be duplicated") },
      { kind: 'rejected', code: 'InvalidIdentity' },
    ],
    [
      'a 404 that names an identity',
      { status: 404, body: said('ResourceNotFound', `'${identity('a')}'`) },
      { kind: 'rejected', code: 'IdentityNotFound' },
    ],
    [
      'a 404 that names an identity as ARM does, without its id',
      {
        status: 404,
        body: said(
          'ResourceNotFound',
          "The Resource 'Microsoft.ManagedIdentity/userAssignedIdentities/a' under resource group 'g' was not found.",
        ),
      },
      { kind: 'rejected', code: 'IdentityNotFound', named: [] },
    ],
    [
      'a 404 that names the host',
      { status: 404, body: said('ResourceNotFound', "The Resource 'Microsoft.Compute/virtualMachines/v'") },
      { kind: 'gone' },
    ],
    [
      'an unknown 400',
      { status: 400, body: said('BadRequest', 'image is gone') },
      { kind: 'rejected', code: 'Unknown', named: [] },
    ],
    [
      'a conflict',
      { status: 409, body: said('AnotherOperationInProgress'), retryAfter: '7' },
      { kind: 'busy', retryAfterMs: 7000 },
    ],
    ['a conflict without a code', { status: 409, body: undefined }, { kind: 'busy', retryAfterMs: 5000 }],
    [
      'a host marked for deletion',
      { status: 409, body: said('OperationNotAllowed', 'since it is marked for deletion') },
      { kind: 'gone' },
    ],
    ['a lock', { status: 409, body: said('ScopeLocked') }, { kind: 'denied', isLocked: true }],
    [
      'a host that changed under us',
      { status: 412, body: said('PreconditionFailed') },
      { kind: 'busy', retryAfterMs: 0 },
    ],
    [
      'a preempted operation',
      { status: 0, body: { status: 'Failed', ...said('OperationPreempted') } },
      { kind: 'busy', retryAfterMs: 0 },
    ],
    [
      'an operation that failed over an identity',
      { status: 0, body: said('NotFound', identity('a')) },
      { kind: 'rejected', code: 'FailedIdentityOperation' },
    ],
    [
      'an operation that failed',
      { status: 0, body: said('VMExtensionError') },
      { kind: 'failed', code: 'VMExtensionError' },
    ],
    [
      '429 with seconds',
      {
        status: 429,
        body: said('OperationNotAllowed', 'too many requests for this resource'),
        retryAfter: '60',
      },
      { kind: 'throttled', retryAfterMs: 60_000, scope: 'host' },
    ],
    [
      '429 without a word',
      { status: 429, body: undefined },
      { kind: 'throttled', retryAfterMs: 60_000, scope: 'host' },
    ],
    [
      '429 of the subscription, in words',
      {
        status: 429,
        body: said('OperationNotAllowed', 'too many requests have been received for this subscription.'),
      },
      { kind: 'throttled', scope: 'subscription' },
    ],
    [
      '429 of the subscription, by code',
      { status: 429, body: said('SubscriptionRequestsThrottled') },
      { kind: 'throttled', scope: 'subscription' },
    ],
    [
      '429 of the subscription, by header',
      { status: 429, body: undefined, subscriptionExhausted: true },
      { kind: 'throttled', scope: 'subscription' },
    ],
    [
      'a server error',
      { status: 503, body: said('ServiceUnavailable'), retryAfter: '9' },
      { kind: 'unavailable', retryAfterMs: 9000 },
    ],
    [
      'a server error inside an operation',
      { status: 0, body: said('InternalServerError') },
      { kind: 'unavailable' },
    ],
    ['an unknown status', { status: 418, body: said('Teapot') }, { kind: 'failed', code: 'Teapot' }],
  ];
  test.each(table)('%s', (_, complaint, expected) => {
    expect(classify(complaint, now)).toMatchObject(expected);
  });

  it('keeps ARM’s message, including nested details', () => {
    const failure = classify(
      {
        status: 400,
        body: { error: { code: 'A', message: 'outer', details: [{ code: 'B', message: 'inner' }] } },
      },
      now,
    );
    expect(failure).toMatchObject({ message: 'A: outer inner' });
  });
});
