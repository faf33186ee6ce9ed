import { expect, it } from 'vitest';
import {
  brokerErrorCodes,
  httpResponse,
  readRequest,
  readResponse,
  requestBody,
  type BrokerRequest,
  type BrokerResponse,
} from './wire.ts';

const tenant = 'a0000000-1111-2222-3333-00000000000f';
const clientId = 'c0000000-1111-2222-3333-00000000000e';
const pod = { namespace: 'shop', name: 'web-0.a', uid: 'b7c8-1' };
const wanted: BrokerRequest = { pod, tenant, clientId, resource: 'https://vault.azure.net' };
const read = (over: object) => readRequest(JSON.stringify({ ...wanted, ...over }));

it('a request is read as it was written', () => {
  expect(readRequest(requestBody(wanted))).toEqual(wanted);
});

it('ids are in lower case, so that a right names each of them once', () => {
  expect(read({ tenant: tenant.toUpperCase(), clientId: clientId.toUpperCase() })).toEqual(wanted);
});

it('what else a request has is not kept', () => {
  expect(read({ more: 1, pod: { ...pod, node: 'n' } })).toEqual(wanted);
});

it.each(['', '{', 'null', '7', '[]', '"text"', '{"pod":null}'])('%s is no request', (body) => {
  expect(readRequest(body)).toBeUndefined();
});

const longName = 'a'.repeat(253);
it.each(['namespace', 'name', 'uid'])('the %s of a pod is a name of Kubernetes', (member) => {
  const reads = (value: unknown) => read({ pod: { ...pod, [member]: value } }) !== undefined;
  for (const name of ['a', '0', 'a-b', 'a.b', longName]) expect([name, reads(name)]).toEqual([name, true]);
  for (const name of ['', 7, null, '-a', 'a-', '.a', 'A', 'a/b', 'a b', '../a', 'a\n', `${longName}a`])
    expect([name, reads(name)]).toEqual([name, false]);
});

it.each(['tenant', 'clientId'])(
  'attack: the %s is a GUID and nothing else: it becomes a part of a URL',
  (member) => {
    const guid = '0123abcd-4567-89ab-cdef-0123456789ab';
    expect(read({ [member]: guid })).toHaveProperty(member, guid);
    const wrong = [
      'common',
      `${guid}/x`,
      `../${guid}`,
      `x${guid}`,
      guid.slice(1),
      guid.replace('-', ''),
      7,
      null,
    ];
    const others = [
      guid.replace('0', 'g'),
      guid.replace('4', 'g'),
      `${guid.slice(0, -1)}g`,
      guid.replace('-4567', ''),
    ];
    for (const value of [...wrong, ...others])
      expect([value, read({ [member]: value })]).toEqual([value, undefined]);
  },
);

it.each(['', ' https://vault.azure.net', 'a b', 'https://vault.azure.net/.default', 7])(
  'the resource %j is none that NMI lets through',
  (resource) => expect(read({ resource })).toBeUndefined(),
);

const written = (response: BrokerResponse) => httpResponse(response);

it('a token is read as it was written', () => {
  const token = { kind: 'token', token: 't.o.k', expiresOn: 2_000_000_000, clientId } as const;
  expect(written(token)).toMatchObject({ status: 200, retryAfter: undefined });
  expect(readResponse(written(token))).toEqual(token);
  expect(readResponse({ ...written(token), status: 400 })).toBeUndefined();
});

it.each([
  ['no token', { access_token: undefined }],
  ['an empty token', { access_token: '' }],
  ['no client id', { client_id: undefined }],
  ['an expiry in words', { expires_on: 'soon' }],
  ['a part of a second', { expires_on: 0.5 }],
])('a response with %s is none', (_, over) => {
  const body = {
    access_token: 't.o.k',
    expires_on: 2_000_000_000,
    client_id: clientId.toUpperCase(),
    ...over,
  };
  expect(readResponse({ status: 200, retryAfter: undefined, body: JSON.stringify(body) })).toBeUndefined();
});

it('the client id of a token is in lower case', () => {
  const body = JSON.stringify({ access_token: 't', expires_on: 7, client_id: clientId.toUpperCase() });
  expect(readResponse({ status: 200, retryAfter: undefined, body })).toHaveProperty('clientId', clientId);
});

/** With Retry-After, by which a client comes again. */
const temporary: readonly string[] = [
  'too_many_requests',
  'review_unanswered',
  'exchange_failed',
  'credential_missing',
  'not_ready',
];

it.each(brokerErrorCodes)('the refusal %s is read as it was written', (code) => {
  const refusal = { kind: 'refusal', code, message: 'words', credential: 'az' } as const;
  const isTemporary = temporary.includes(code);
  const response = written({ ...refusal, retryAfterSeconds: 600.5 });
  expect(response.retryAfter).toBe(isTemporary ? '601' : undefined);
  expect(response.status).toBe(
    { too_many_requests: 429, unauthorized: 401, access_denied: 403, pod_gone: 409 }[code as string] ??
      (isTemporary ? 503 : 400),
  );
  expect(readResponse(response)).toEqual({ ...refusal, ...(isTemporary && { retryAfterSeconds: 601 }) });
  expect(readResponse({ ...response, status: 500 })).toBeUndefined();
});

it('a refusal without a time is repeated after a second, and without a command has none', () => {
  const refusal = { kind: 'refusal', code: 'not_ready', message: 'words' } as const;
  expect(readResponse(written(refusal))).toEqual({ ...refusal, retryAfterSeconds: 1 });
});

it.each([undefined, '', 'soon', '-1', '1.5', '7s', 's7', '1234567'])(
  'Retry-After %j is no time',
  (retryAfter) => {
    const body = '{"error":"not_ready","message":"words"}';
    expect(readResponse({ status: 503, retryAfter, body })).toEqual({
      kind: 'refusal',
      code: 'not_ready',
      message: 'words',
    });
  },
);

it.each([
  ['another code', { error: 'gone_fishing' }],
  ['no code', { error: undefined }],
  ['no words', { message: 7 }],
  ['the code of another status', { error: 'unauthorized' }],
])('attack: a refusal with %s is no response of a broker', (_, over) => {
  const body = JSON.stringify({ error: 'not_ready', message: 'words', ...over });
  expect(readResponse({ status: 503, retryAfter: '1', body })).toBeUndefined();
});

it('a command that is no text is left out', () => {
  const body = '{"error":"not_ready","message":"words","credential":7}';
  expect(readResponse({ status: 503, retryAfter: undefined, body })).not.toHaveProperty('credential');
});
