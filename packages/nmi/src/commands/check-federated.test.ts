import { createFakeClock } from '@pod-identity/kit/testing';
import { expect, it } from 'vitest';
import { entraRefusal, jwt } from '../../test/broker-stage.ts';
import type { EntraClient, EntraRequest } from '../tokens/principal/entra-client.ts';
import type { EntraResponse } from '../tokens/principal/entra-errors.ts';
import { checkFederated, type CheckOptions } from './check-federated.ts';

const tenant = '11111111-1111-1111-1111-111111111111';
const clientId = 'aaaaaaaa-1111-1111-1111-111111111111';
const resource = 'https://management.azure.com/';
const audience = 'api://AzureADTokenExchange';
const assertion = jwt({
  aud: [audience],
  iss: 'https://issuer.example/c',
  sub: 'system:serviceaccount:aad-pod-identity-broker:broker',
});
const secret = jwt({ appid: clientId, tid: tenant, jti: 'secret' });

/** Entra gives a token to a response of undefined. */
async function check(responses: readonly (EntraResponse | undefined)[], over: Partial<CheckOptions> = {}) {
  const clock = createFakeClock(1_700_000_000_000);
  const left = [...responses];
  const requests: EntraRequest[] = [];
  const entra: EntraClient = {
    requestToken: async (wanted) => {
      requests.push(wanted);
      const response = await Promise.resolve(left.shift());
      if (response) throw wanted.errorOf(response);
      return {
        token: secret,
        expiresOnTimestamp: clock.now() + 3_600_000,
        tokenType: 'Bearer',
        resource: wanted.resource,
      };
    },
  };
  const checking = checkFederated({
    wanted: { tenant, clientId, resource },
    entra,
    loginHost: 'https://login.example',
    audience,
    readToken: () => Promise.resolve(assertion),
    replica: () => Promise.resolve({ code: 0, lines: ['ready'] }),
    clock,
    random: () => 0.5,
    signal: new AbortController().signal,
    ...over,
  });
  for (let second = 0; second < 30; second += 1) await clock.advance(1_000);
  const { code, lines } = await checking;
  return { code, text: lines.join('\n'), requests };
}

it('says that Entra gave a token, and neither prints nor keeps it', async () => {
  const { code, text, requests } = await check([undefined]);
  expect(text).toMatchInlineSnapshot(`
    "federated identity 11111111-1111-1111-1111-111111111111/aaaaaaaa-1111-1111-1111-111111111111
    ✓ pod          the broker of this pod is ready
    ✓ identity     Microsoft Entra gave the broker a token for https://management.azure.com/, which was thrown away
    · access       not checked here: whether the ServiceAccount of each pod has the right federatedidentities/11111111-1111-1111-1111-111111111111/aaaaaaaa-1111-1111-1111-111111111111
                   remedy: kubectl azure-pod-identity access -A shows those of all pods; for one ServiceAccount
                   $ kubectl azure-pod-identity access NAMESPACE/SERVICEACCOUNT federatedidentities/11111111-1111-1111-1111-111111111111/aaaaaaaa-1111-1111-1111-111111111111
    ✓ result       as type 3 it gets tokens for the pods whose ServiceAccount has the right"
  `);
  expect(code).toBe(0);
  expect(text).not.toContain(secret);
  expect(text).not.toContain(assertion);
  expect(requests).toMatchObject([
    {
      subject: { authority: 'https://login.example', clientId },
      tenantId: tenant,
      resource,
      proof: { kind: 'assertion', value: assertion },
    },
  ]);
});

it('prints the command that makes the credential, if Entra says repeatedly that there is none', async () => {
  const missing = entraRefusal(401, 700_213);
  const { code, text, requests } = await check([missing, missing, missing]);
  expect(code).toBe(1);
  expect(requests).toHaveLength(3);
  expect(text).toContain(
    '$ az identity federated-credential create --resource-group RESOURCE-GROUP --identity-name IDENTITY ' +
      `--name aad-pod-identity-broker-642f0e29f0 --issuer https://issuer.example/c --subject system:serviceaccount:aad-pod-identity-broker:broker --audiences ${audience}`,
  );
  expect(text).not.toContain(assertion);
});

it.each([
  ['a tenant of another cloud', 90_002, '(AADSTS90002)'],
  ['an application that the tenant does not know', 700_016, 'Check spec.clientID'],
  ['a resource that the tenant does not know', 500_011, 'does not know the resource'],
])('%s is refused, with the login endpoint of the broker', async (_, number, words) => {
  const { code, text } = await check([entraRefusal(400, number)]);
  expect(code).toBe(1);
  expect(text).toContain(words);
  expect(text).toContain('https://login.example (--broker-cloud)');
});

it.each<[string, readonly EntraResponse[], Partial<CheckOptions>]>([
  ['Entra does not respond', [{ kind: 'silence' }], {}],
  ['Entra is busy', [entraRefusal(429, 90_055)], {}],
  ['the token of the broker cannot be read', [], { readToken: () => Promise.reject(new Error('ENOENT')) }],
  ['the token is for another audience', [], { audience: 'api://AzureADTokenExchangeChina' }],
])('nothing is known when %s', async (_, responses, over) => {
  const { code, text } = await check(responses, over);
  expect(code).toBe(2);
  expect(text).toContain('… result');
  expect(text).not.toContain('az identity');
});

it('a replica that is not ready is a problem although Entra gives a token', async () => {
  const lines = ['the API server refuses no one', 'agents do not know this replica yet'];
  const { code, text } = await check([undefined], { replica: () => Promise.resolve({ code: 1, lines }) });
  expect(code).toBe(1);
  for (const line of lines) expect(text).toContain(line);
});

it('attack: a token of another identity is no token', async () => {
  const entra: EntraClient = {
    requestToken: ({ resource: wanted }) =>
      Promise.resolve({
        token: jwt({ appid: tenant, tid: tenant }),
        expiresOnTimestamp: 1_800_000_000_000,
        tokenType: 'Bearer',
        resource: wanted,
      }),
  };
  expect((await check([], { entra })).code).toBe(1);
});
