// Each row names the public documentation that it checks the simulator against.
import { describe, expect, test } from 'vitest';
import { containing, error, start, tenantId, type Harness } from '../../test/azure-harness.ts';

describe('Azure Key Vault REST API, get secret', () => {
  const url = '/secrets/greeting?api-version=7.4';
  const bearer = async (
    azure: Harness,
    principalId: string,
    other: { audience?: string; tenant?: string } = {},
  ) => {
    const { audience = 'https://vault.azure.net', tenant = tenantId } = other;
    const minted = await azure.tokens.mint({ principalId, clientId: 'client', tenantId: tenant }, audience);
    return { headers: { authorization: `Bearer ${minted.token}` } };
  };

  test('"Authentication, requests and responses": without a token a challenge', async () => {
    const azure = await start();
    const reply = await azure.askVault('/secrets/greeting');
    expect(reply).toMatchObject({
      status: 401,
      body: error('Unauthorized', 'AKV10000: Request is missing a Bearer or PoP token.'),
      headers: {
        'www-authenticate': `Bearer authorization="https://login.test/${tenantId}", resource="https://vault.azure.net"`,
      },
    });
  });

  test('the newest version, or the one named', async () => {
    const azure = await start();
    const first = azure.world.vault('vault')?.secrets.get('greeting')?.[0]?.version ?? '';
    azure.advance(5000);
    const second = azure.world.setSecret('vault', 'greeting', 'hello again').version;
    const reader = await bearer(azure, 'reader');
    const { status, body, headers } = await azure.askVault(url, reader);
    const created = azure.now() / 1000;
    expect(status).toBe(200);
    expect(body).toMatchObject({
      value: 'hello again',
      id: `https://vault.vault.test/secrets/greeting/${second}`,
      attributes: { enabled: true, created, updated: created, recoveryLevel: 'Recoverable+Purgeable' },
    });
    expect(headers).toMatchObject({
      'x-ms-keyvault-region': 'westeurope',
      'x-ms-request-id': expect.any(String) as unknown,
    });
    expect((await azure.askVault(`/secrets/greeting/${first}?api-version=7.4`, reader)).body['value']).toBe(
      'hello',
    );
  });

  test.each<
    [
      says: string,
      url: string,
      who: (azure: Harness) => Promise<object>,
      status: number,
      code: string,
      message: unknown,
    ]
  >([
    ['no reader', url, (azure) => bearer(azure, 'stranger'), 403, 'Forbidden', containing('not authorized')],
    [
      'no such secret',
      '/secrets/other?api-version=7.4',
      (azure) => bearer(azure, 'reader'),
      404,
      'SecretNotFound',
      containing('(name/id) other'),
    ],
    [
      'no such version',
      '/secrets/greeting/0?api-version=7.4',
      (azure) => bearer(azure, 'reader'),
      404,
      'SecretNotFound',
      containing('greeting/0'),
    ],
    [
      'no api-version',
      '/secrets/greeting',
      (azure) => bearer(azure, 'reader'),
      400,
      'BadParameter',
      containing('api-version'),
    ],
    [
      'a token for another resource',
      url,
      (azure) => bearer(azure, 'reader', { audience: 'https://management.azure.com' }),
      401,
      'Unauthorized',
      containing('AKV10022'),
    ],
    [
      'a token of another tenant',
      url,
      (azure) => bearer(azure, 'reader', { tenant: 'other' }),
      401,
      'Unauthorized',
      containing('AKV10032'),
    ],
    [
      'a token with a foreign signature',
      url,
      async () => bearer(await start(), 'reader'),
      401,
      'Unauthorized',
      containing('AKV10046'),
    ],
    [
      'an expired token',
      url,
      async (azure) => {
        const token = await bearer(azure, 'reader');
        azure.advance(3_600_000);
        return token;
      },
      401,
      'Unauthorized',
      containing('TokenExpired'),
    ],
    [
      'a token that is not valid yet',
      url,
      async (azure) => {
        azure.advance(86_400_000);
        const token = await bearer(azure, 'reader');
        azure.advance(-86_400_000);
        return token;
      },
      401,
      'Unauthorized',
      containing('TokenNotYetValid'),
    ],
    [
      'another path',
      '/keys/x?api-version=7.4',
      (azure) => bearer(azure, 'reader'),
      404,
      'NotFound',
      undefined,
    ],
  ])('%s', async (...[, asked, who, status, code, message]) => {
    const azure = await start();
    expect(await azure.askVault(asked, await who(azure))).toMatchObject({
      status,
      body: error(code, message),
    });
  });

  test('rights follow the list of readers', async () => {
    const azure = await start();
    azure.world.allowRead('vault', 'late');
    expect((await azure.askVault(url, await bearer(azure, 'late'))).status).toBe(200);
    azure.world.denyRead('vault', 'late');
    expect((await azure.askVault(url, await bearer(azure, 'late'))).body.error).toMatchObject({
      innererror: { code: 'ForbiddenByRbac' },
    });
  });
});
