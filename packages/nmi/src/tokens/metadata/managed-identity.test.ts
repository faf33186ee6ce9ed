import { ImdsError, type AccessToken, type Identity, type TokenRequest } from '@pod-identity/imds-client';
import { createFakeClock } from '@pod-identity/kit/testing';
import { expect, it, vi } from 'vitest';
import { clientIdOf, issuedTo, objectIdOf, subjectOf, wantedFor } from '../../../test/builders.ts';
import { createManagedIdentitySource } from './managed-identity.ts';
import type { HostSubject } from '../types.ts';

const jwt = (claims: object) => `h.${Buffer.from(JSON.stringify(claims)).toString('base64url')}.s`;

const stage = () => {
  const clock = createFakeClock();
  const getToken = vi.fn<(request: TokenRequest) => Promise<AccessToken>>(() =>
    Promise.resolve(issuedTo('reader').access),
  );
  const requested: unknown[] = [];
  const { requestToken } = createManagedIdentitySource({ getToken }, clock, (one) => requested.push(one));
  return { getToken, requestToken, requested, clock };
};
const sentOf = (getToken: { mock: { calls: TokenRequest[][] } }) =>
  getToken.mock.calls.map(([request]) => request);

it('asks by resource id, never by the client id that the AzureIdentity states', async () => {
  const { requestToken, getToken } = stage();
  await requestToken(wantedFor(subjectOf('reader', { clientId: clientIdOf('victim') })));
  const [request] = sentOf(getToken);
  expect(request?.identity?.resourceId).toContain('/userassignedidentities/reader');
  expect(request?.identity).not.toHaveProperty('clientId');
});

it.each<[HostSubject, Identity | undefined]>([
  [{ kind: 'machine', by: 'nothing' }, undefined],
  [{ kind: 'machine', by: 'client-id', value: 'a' }, { clientId: 'a' }],
  [{ kind: 'machine', by: 'object-id', value: 'a' }, { objectId: 'a' }],
  [{ kind: 'machine', by: 'resource-id', value: '/a' }, { resourceId: '/a' }],
])('W-C10: passes the selector of an exempt pod on: %j', async (subject, identity) => {
  const { requestToken, getToken } = stage();
  await requestToken(wantedFor(subject));
  expect(sentOf(getToken)).toStrictEqual([{ resource: 'https://vault.azure.net', identity }]);
});

it('reads the client and object id out of the token when the answer does not state them', async () => {
  const { requestToken, getToken } = stage();
  const token = jwt({ appid: clientIdOf('x').toUpperCase(), oid: objectIdOf('x') });
  getToken.mockResolvedValue({ token, expiresOnTimestamp: 1, tokenType: 'Bearer', resource: 'r' });
  await expect(requestToken(wantedFor(subjectOf('reader')))).resolves.toMatchObject({
    clientId: clientIdOf('x'),
    objectId: objectIdOf('x'),
  });
  getToken.mockResolvedValue({ token: 'opaque', expiresOnTimestamp: 1, tokenType: 'Bearer', resource: 'r' });
  await expect(requestToken(wantedFor(subjectOf('reader')))).resolves.toMatchObject({
    clientId: undefined,
    objectId: undefined,
  });
});

it('takes the client id of the answer before that of the token, in lower case', async () => {
  const { requestToken, getToken } = stage();
  const token = jwt({ appid: clientIdOf('other') });
  const clientId = clientIdOf('x').toUpperCase();
  getToken.mockResolvedValue({ token, expiresOnTimestamp: 1, tokenType: 'Bearer', resource: 'r', clientId });
  await expect(requestToken(wantedFor(subjectOf('reader')))).resolves.toMatchObject({
    clientId: clientIdOf('x'),
  });
});

it('tells of each question whose it was, that it was answered, and how long that took, also when the clock was set back', async () => {
  const { requestToken, getToken, requested, clock } = stage();
  await clock.advance(1_000);
  getToken.mockImplementation(async () => {
    await clock.sleep(30);
    clock.now = () => -3_600_000;
    return issuedTo('reader').access;
  });
  const answer = requestToken(wantedFor({ kind: 'machine', by: 'nothing' }));
  await clock.advance(30);
  await answer;
  expect(requested).toEqual([{ subject: 'machine', ms: 30, isOk: true }]);
});

it('C53 classifies a failure, without ids of the machine’s owner', async () => {
  const { requestToken, getToken, requested } = stage();
  const tenant = '11111111-2222-4333-8444-555555555555';
  getToken.mockRejectedValue(
    new ImdsError('throttled', `AADSTS1: tenant ${tenant}`, { status: 429, retryAfterMs: 3000 }),
  );
  const error = await requestToken(wantedFor(subjectOf('reader'))).catch((caught: unknown) => caught);
  expect(error).toMatchObject({ code: 'throttled', retryAfterMs: 3000 });
  expect(String(error)).toContain('AADSTS1');
  expect(String(error)).not.toContain(tenant);
  expect(requested).toMatchObject([{ isOk: false }]);
  expect(getToken).toHaveBeenCalledTimes(1);
});

it('a bug stays a bug', async () => {
  const { requestToken, getToken } = stage();
  getToken.mockRejectedValue(new TypeError('no resource'));
  await expect(requestToken(wantedFor(subjectOf('reader')))).rejects.toThrow(TypeError);
});
