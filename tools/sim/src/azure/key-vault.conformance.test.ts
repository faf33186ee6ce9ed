// Each row names the public documentation that it checks the simulator against.
import { X509Certificate } from 'node:crypto';
import { describe, expect, test } from 'vitest';
import { containing, containingAll, error, start, tenantId, type Harness } from '../../test/azure-harness.ts';

const bearer = async (
  azure: Harness,
  principalId: string,
  other: { audience?: string; tenant?: string } = {},
) => {
  const { audience = 'https://vault.azure.net', tenant = tenantId } = other;
  const minted = await azure.tokens.mint({ principalId, clientId: 'client', tenantId: tenant }, audience);
  return { headers: { authorization: `Bearer ${minted.token}` } };
};

describe('Azure Key Vault REST API, get secret', () => {
  const url = '/secrets/greeting?api-version=7.4';
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
      async () => bearer(await start({ ownKeys: true }), 'reader'),
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
      '/storage/x?api-version=7.4',
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

describe('Azure Key Vault REST API, get key, get certificate', () => {
  const expiresAt = Date.parse('2026-06-01T00:00:00Z');
  const open = async () => {
    const azure = await start();
    const key = azure.world.addKey('vault', 'Signing', { expiresAt });
    const certificate = azure.world.addCertificate('vault', 'web', { expiresAt });
    azure.world.allowRead('vault', 'reader', ['keys', 'certificates']);
    const ask = async (path: string, principal = 'reader') =>
      azure.askVault(`${path}?api-version=7.6`, await bearer(azure, principal));
    return { azure, key, certificate, ask };
  };

  test('"Get Key": the public half, with its version and its expiry', async () => {
    const { key, ask } = await open();
    const { status, body } = await ask('/keys/signing/');
    expect(status).toBe(200);
    expect(body).toMatchObject({
      key: {
        kid: `https://vault.vault.test/keys/signing/${key.version}`,
        kty: 'RSA',
        e: 'AQAB',
        n: key.jwk.n,
        key_ops: containingAll('sign', 'wrapKey'),
      },
      attributes: { enabled: true, exp: expiresAt / 1000 },
    });
    expect(JSON.stringify(body)).not.toMatch(/"(d|p|q)":/);
  });

  test('"Get Certificate": the certificate, its thumbprint, and the ids of its key and its secret', async () => {
    const { certificate, ask } = await open();
    const { body } = await ask(`/certificates/web/${certificate.version}`);
    const base = 'https://vault.vault.test';
    expect(body).toMatchObject({
      id: `${base}/certificates/web/${certificate.version}`,
      kid: `${base}/keys/web/${certificate.version}`,
      sid: `${base}/secrets/web/${certificate.version}`,
      attributes: { enabled: true, exp: expiresAt / 1000 },
    });
    const read = new X509Certificate(Buffer.from(String(body['cer']), 'base64'));
    expect(read.subject).toBe('CN=web');
    expect(Date.parse(read.validTo)).toBe(expiresAt);
    expect(Buffer.from(String(body['x5t']), 'base64url').toString('hex').toUpperCase()).toBe(
      read.fingerprint.replaceAll(':', ''),
    );
  });

  test('"Composition of a certificate": a key and a secret of the same name and version, managed', async () => {
    const { certificate, ask } = await open();
    expect((await ask('/keys/web')).body).toMatchObject({
      key: { kid: containing(certificate.version) },
      managed: true,
    });
    expect((await ask('/secrets/web')).body).toMatchObject({
      id: containing(certificate.version),
      contentType: 'application/x-pem-file',
      managed: true,
      value: containing('PRIVATE KEY'),
    });
  });

  test('"Get Secrets", "Get Keys", "Get Certificates": each object once, without its value and its version', async () => {
    const { azure, ask } = await open();
    azure.world.setSecret('vault', 'greeting', 'hello again');
    const base = 'https://vault.vault.test';
    const ids = async (kind: string) => {
      const { status, body } = await ask(`/${kind}`);
      expect(status).toBe(200);
      expect(body['nextLink']).toBeNull();
      expect(JSON.stringify(body)).not.toMatch(/hello|PRIVATE|"value":"/);
      return (body['value'] as Record<string, unknown>[]).map(({ id, kid, managed }) => [id ?? kid, managed]);
    };
    expect(await ids('secrets')).toEqual([
      [`${base}/secrets/greeting`, undefined],
      [`${base}/secrets/web`, true],
    ]);
    expect(await ids('keys')).toEqual([
      [`${base}/keys/signing`, undefined],
      [`${base}/keys/web`, true],
    ]);
    expect(await ids('certificates')).toEqual([[`${base}/certificates/web`, undefined]]);
    expect((await ask('/secrets', 'stranger')).body.error).toMatchObject({
      message: containing("Action: 'Microsoft.KeyVault/vaults/secrets/readMetadata/action'"),
      innererror: { code: 'ForbiddenByRbac' },
    });
  });

  test('"Get Secrets": maxresults is from 1 to 25, and nextLink is the address of the next page', async () => {
    const { azure } = await open();
    for (let index = 0; index < 26; index += 1) azure.world.setSecret('vault', `s${index}`, 'x');
    const reader = await bearer(azure, 'reader');
    const page = async (url: string) => {
      const { body } = await azure.askVault(url.replace('https://vault.vault.test', ''), reader);
      return [(body['value'] as unknown[]).length, body['nextLink']] as const;
    };
    const [count, next] = await page('/secrets?api-version=7.6');
    expect([count, next]).toEqual([25, containing('/secrets?api-version=7.6&')]);
    // With the secret of the certificate.
    expect(await page(String(next))).toEqual([3, null]);
    expect((await page('/secrets?api-version=7.6&maxresults=2'))[0]).toBe(2);
    for (const size of ['0', '26', 'x'])
      expect(await azure.askVault(`/secrets?api-version=7.6&maxresults=${size}`, reader)).toMatchObject({
        status: 400,
        body: error('BadParameter', containing('maxresults')),
      });
  });

  test.each([
    ['/keys/other', 404, 'KeyNotFound', '(name/id) other'],
    ['/certificates/other/0', 404, 'CertificateNotFound', '(name/id) other/0'],
    // A certificate is not found under the name of a key.
    ['/certificates/signing', 404, 'CertificateNotFound', '(name/id) signing'],
  ])('%s: %i %s', async (...[path, status, code, text]) => {
    const { ask } = await open();
    expect(await ask(path)).toMatchObject({ status, body: error(code, containing(text)) });
  });

  test('"Azure RBAC permissions for Key Vault": the right to read secrets is not one to read keys or certificates', async () => {
    const { azure, ask } = await open();
    azure.world.allowRead('vault', 'secrets-user');
    const statuses = ['/secrets/greeting', '/keys/signing', '/certificates/web'].map(
      async (path) => (await ask(path, 'secrets-user')).status,
    );
    expect(await Promise.all(statuses)).toEqual([200, 403, 403]);
    expect((await ask('/keys/signing', 'secrets-user')).body.error).toMatchObject({
      message: containing("Action: 'Microsoft.KeyVault/vaults/keys/read'"),
      innererror: { code: 'ForbiddenByRbac' },
    });
  });

  test('"About keys, secrets, and certificates": a disabled secret cannot be read, a disabled key and an expired secret can', async () => {
    const { azure, ask } = await open();
    azure.world.setSecret('vault', 'off', { value: 'hidden', enabled: false });
    azure.world.setSecret('vault', 'old', { value: 'stale', expiresAt: azure.now() - 1000 });
    azure.world.addKey('vault', 'off', { enabled: false });
    expect(await ask('/secrets/off')).toMatchObject({
      status: 403,
      body: {
        error: {
          message: 'Operation get is not allowed on a disabled secret.',
          innererror: { code: 'SecretDisabled' },
        },
      },
    });
    expect((await ask('/secrets/old')).status).toBe(200);
    expect((await ask('/keys/off')).body).toMatchObject({ attributes: { enabled: false } });
  });

  test.each([
    [
      'selected',
      'ForbiddenByFirewall',
      'Client address is not authorized and caller is not a trusted service.',
    ],
    ['private', 'ForbiddenByConnection', 'Public network access is disabled'],
  ] as const)(
    '"Azure Key Vault REST API Error Codes": firewall %s: %s, after the token was checked',
    async (firewall, code, text) => {
      const { azure, ask } = await open();
      azure.world.setFirewall('vault', firewall);
      expect((await ask('/secrets/greeting')).body.error).toMatchObject({
        code: 'Forbidden',
        message: containing(text),
        innererror: { code },
      });
      expect((await azure.askVault('/secrets/greeting')).status).toBe(401);
    },
  );
});
