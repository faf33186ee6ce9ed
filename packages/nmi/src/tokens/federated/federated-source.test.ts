import { createLog } from '@pod-identity/kit/serve';
import { createFakeClock } from '@pod-identity/kit/testing';
import { expect, it } from 'vitest';
import type { BrokerRefusal, BrokerResponse, BrokerToken } from '../../broker/wire.ts';
import type { FederatedIdentity } from '../types.ts';
import { createFederatedSource } from './federated-source.ts';

const pod = { namespace: 'shop', name: 'web-1', uid: 'u-1' };
const subject: FederatedIdentity = {
  kind: 'federated',
  name: 'reader',
  clientId: 'client',
  tenantId: 'tenant',
  pod,
};
const resource = 'https://vault.azure.net';
const jwt = (claims: object) => `h.${Buffer.from(JSON.stringify(claims)).toString('base64url')}.s`;
const good: BrokerToken = {
  kind: 'token',
  token: jwt({ appid: 'client', oid: 'object' }),
  expiresOn: 7_200,
  clientId: 'client',
};

const start = (respond: () => BrokerResponse) => {
  const clock = createFakeClock();
  const lines: string[] = [];
  const seen: unknown[] = [];
  const isOk: boolean[] = [];
  const source = createFederatedSource({
    client: {
      request: async (request) => {
        seen.push(request);
        await Promise.resolve();
        return respond();
      },
    },
    clock,
    log: createLog({ component: 'nmi', destination: { write: (line) => void lines.push(line) } }),
    onRequested: (requested) => isOk.push(requested.isOk),
  });
  const requestToken = () => source.requestToken({ subject, resource, bypassCache: false });
  return { requestToken, clock, lines, seen, isOk };
};
const refusal = (over: Partial<BrokerRefusal>): BrokerRefusal => ({
  kind: 'refusal',
  code: 'exchange_failed',
  message: 'words',
  ...over,
});

it('requests the token of its pod, and returns it with expiry and ids', async () => {
  const { requestToken, seen, isOk } = start(() => good);
  await expect(requestToken()).resolves.toMatchObject({
    access: {
      token: good.token,
      expiresOnTimestamp: 7_200_000,
      resource,
      clientId: 'client',
    },
    clientId: 'client',
    objectId: 'object',
  });
  expect(seen).toEqual([{ pod, tenant: 'tenant', clientId: 'client', resource }]);
  expect(isOk).toEqual([true]);
});

it.each([
  ['another client id', { ...good, clientId: 'other' }],
  ['a token of another client id', { ...good, token: jwt({ appid: 'other' }) }],
  ['a token that cannot be read', { ...good, token: 'x' }],
] as const)('attack: %s never gets to the pod', async (_, response) => {
  await expect(start(() => response).requestToken()).rejects.toMatchObject({ code: 'unavailable' });
});

it.each([
  ['invalid_request', 'refused'],
  ['entra_refused', 'denied'],
  ['access_denied', 'denied'],
  ['pod_gone', 'unavailable'],
  ['too_many_requests', 'throttled'],
  ['review_unanswered', 'unavailable'],
  ['exchange_failed', 'unavailable'],
  ['credential_missing', 'no-credential'],
  ['not_ready', 'unavailable'],
] as const)('the code %s of the broker counts as %s, with its words', async (code, expected) => {
  const { requestToken, lines, isOk } = start(() => refusal({ code, retryAfterSeconds: 7 }));
  await expect(requestToken()).rejects.toMatchObject({
    code: expected,
    message: 'AzureIdentity reader: words',
    retryAfterMs: 7_000,
  });
  expect([lines, isOk]).toEqual([[], [false]]);
});

it('the pod gets the command that makes the federated credential', async () => {
  const credential = 'az identity federated-credential create --subject system:serviceaccount:b:broker';
  await expect(start(() => refusal({ credential })).requestToken()).rejects.toThrow(
    `AzureIdentity reader: words The command that makes its federated credential: ${credential}`,
  );
});

it('the pod gets the roles of a refusal as lines, to paste them', async () => {
  const message = 'no right. A cluster administrator can grant it:\napiVersion: v1\nkind: ClusterRole\u001b';
  await expect(start(() => refusal({ code: 'access_denied', message })).requestToken()).rejects.toThrow(
    'can grant it:\napiVersion: v1\nkind: ClusterRole\\u001b',
  );
});

it('why the broker does not accept NMI is for the administrator: in the log, once a minute', async () => {
  const { requestToken, lines, clock } = start(() =>
    refusal({ code: 'unauthorized', message: 'wrong audience' }),
  );
  const fails = () =>
    expect(requestToken()).rejects.toMatchObject({
      code: 'unavailable',
      message: 'AzureIdentity reader: The broker does not accept this NMI; the log of NMI says why.',
    });
  await fails();
  await fails();
  expect(lines).toHaveLength(1);
  expect(lines[0]).toContain('wrong audience');
  await clock.advance(60_000);
  await fails();
  expect(lines).toHaveLength(2);
});

it('without a broker that responds the pod is told so, and the log why', async () => {
  const { requestToken, lines } = start(() => {
    throw new Error('connect ECONNREFUSED');
  });
  await expect(requestToken()).rejects.toMatchObject({
    code: 'unavailable',
    message: /No broker .* AzureIdentity reader/,
  });
  expect(lines[0]).toContain('ECONNREFUSED');
});

it('attack: words of the broker are cut, and control no terminal', async () => {
  const { requestToken } = start(() => refusal({ message: `\u001b[2J\n${'x'.repeat(60_000)}` }));
  const error: unknown = await requestToken().catch((reason: unknown) => reason);
  const { message } = error as Error;
  expect(message).toHaveLength(2_001);
  expect(message).toContain('\\u001b[2J\\n');
});
