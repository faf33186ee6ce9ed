// Each row names the public documentation that it checks the simulator against.
import { execFileSync } from 'node:child_process';
import {
  createHash,
  createPrivateKey,
  generateKeyPairSync,
  X509Certificate,
  type KeyObject,
} from 'node:crypto';
import { whyNoPrograms } from '@pod-identity/kit/testing';
import { exportJWK, SignJWT } from 'jose';
import { beforeAll, describe, expect, test } from 'vitest';
import { send, start, tenantId, type Harness } from '../../test/azure-harness.ts';
import { createServerCertificate } from './cert.ts';

describe('Microsoft identity platform: client credentials flow', () => {
  const secret = {
    client_id: 'app',
    scope: 'https://vault.azure.net/.default',
    grant_type: 'client_credentials',
    client_secret: 'right',
  };
  let azure: Harness;
  beforeAll(async () => {
    azure = await start();
    azure.world.addApp({
      clientId: 'app',
      otherTenants: ['other'],
      secrets: ['right', { value: 'old', expiresAt: 1 }],
    });
    azure.world.addApp({ clientId: 'off', secrets: ['right'], disabled: true });
  });

  test('"Successful response": numbers, and a token for the scope\'s resource, in every tenant of the app', async () => {
    for (const tenant of [tenantId, 'other']) {
      const { status, body } = await azure.askEntra(secret, tenant);
      expect({ status, body }).toMatchObject({
        status: 200,
        body: { token_type: 'Bearer', expires_in: 3600, ext_expires_in: 3600 },
      });
      const verdict = await azure.tokens.verify(String(body['access_token']), ['https://vault.azure.net']);
      expect(verdict).toMatchObject({ ok: true, claims: { clientId: 'app', tenantId: tenant } });
    }
  });

  test.each<[says: string, change: Record<string, string>, status: number, error: string, code: number]>([
    ['a wrong secret', { client_secret: 'wrong' }, 401, 'invalid_client', 7000215],
    ['an expired secret', { client_secret: 'old' }, 401, 'invalid_client', 7000222],
    ['no credential', { client_secret: '' }, 401, 'invalid_client', 7000218],
    ['no scope', { scope: '' }, 400, 'invalid_request', 900144],
    ['another grant', { grant_type: 'password' }, 400, 'unsupported_grant_type', 70003],
    ['a scope without /.default', { scope: 'https://vault.azure.net' }, 400, 'invalid_scope', 1002012],
    ['two resources', { scope: 'a/.default b/.default' }, 400, 'invalid_request', 700022],
    ['only OpenID scopes', { scope: 'openid' }, 400, 'invalid_scope', 70011],
    ['an unknown resource', { scope: 'https://nothing.invalid/.default' }, 400, 'invalid_resource', 500011],
    ['an app nobody knows', { client_id: 'nobody' }, 400, 'unauthorized_client', 700016],
    ['a disabled app', { client_id: 'off' }, 400, 'unauthorized_client', 7000112],
    [
      'an assertion of unknown type',
      { client_secret: '', client_assertion: 'x' },
      400,
      'invalid_request',
      900144,
    ],
    [
      'an assertion that is not a JWT',
      {
        client_secret: '',
        client_assertion: 'x',
        client_assertion_type: 'urn:ietf:params:oauth:client-assertion-type:jwt-bearer',
      },
      400,
      'invalid_request',
      50027,
    ],
  ])('Microsoft Entra error codes: %s', async (...[, change, status, kind, code]) => {
    const reply = await azure.askEntra({ ...secret, ...change });
    expect(reply).toMatchObject({
      status,
      body: { error: kind, error_codes: [code], error_uri: `https://login.test/error?code=${code}` },
    });
    expect(reply.body['error_description']).toMatch(
      new RegExp(`^AADSTS${code}: .+ Trace ID: \\S+ Correlation ID: \\S+ Timestamp: 2026-01-01 00:00:00Z$`),
    );
  });

  test('Microsoft Entra error codes: an unknown tenant', async () => {
    expect(await azure.askEntra(secret, 'nowhere')).toMatchObject({
      status: 400,
      body: { error_codes: [90002] },
    });
  });

  test('Microsoft Entra error codes: GET of the token endpoint', async () => {
    const reply = await send(azure.entra, `/${tenantId}/oauth2/v2.0/token`);
    expect(reply).toMatchObject({ status: 400, body: { error_codes: [900561] } });
  });

  test('OpenID Connect discovery: configuration, keys and instance discovery link to each other', async () => {
    const { body } = await send(azure.entra, `/${tenantId}/v2.0/.well-known/openid-configuration`);
    expect(body).toMatchObject({ token_endpoint: `https://login.test/${tenantId}/oauth2/v2.0/token` });
    const keys = await send(azure.entra, String(body['jwks_uri']).replace('https://login.test', ''));
    expect(keys.body).toEqual(azure.tokens.keys);
    expect((await send(azure.entra, '/nowhere/v2.0/.well-known/openid-configuration')).status).toBe(400);
    const instance = await send(
      azure.entra,
      '/common/discovery/instance?api-version=1.1&authorization_endpoint=https://login.test/t/oauth2/v2.0/authorize',
    );
    expect(instance.body).toMatchObject({
      tenant_discovery_endpoint: 'https://login.test/t/v2.0/.well-known/openid-configuration',
    });
  });
});

describe('Microsoft identity platform: certificate credentials', () => {
  let pem: { key: string; cert: string };
  let azure: Harness;
  beforeAll(async () => {
    const { key, cert, dispose } = await createServerCertificate();
    await dispose();
    pem = { key, cert };
    azure = await start();
    azure.world.addApp({ clientId: 'app', certificates: [cert] });
  });

  interface Draft {
    readonly alg?: 'RS256' | 'PS256';
    readonly thumbprint?: string;
    readonly key?: string;
    readonly audience?: string;
    readonly subject?: string;
    readonly age?: number;
  }
  const thumbprint = (algorithm: string) =>
    createHash(algorithm).update(new X509Certificate(pem.cert).raw).digest('base64url');
  async function exchange({ alg = 'PS256', key = pem.key, subject = 'app', age = 0, ...draft }: Draft) {
    const named =
      alg === 'PS256'
        ? { 'x5t#S256': draft.thumbprint ?? thumbprint('sha256') }
        : { x5t: draft.thumbprint ?? thumbprint('sha1') };
    const at = azure.now() / 1000 - age;
    const assertion = await new SignJWT({ jti: 'one' })
      .setProtectedHeader({ alg, typ: 'JWT', ...named })
      .setIssuer('app')
      .setSubject(subject)
      .setAudience(draft.audience ?? `https://login.test/${tenantId}/oauth2/v2.0/token`)
      .setNotBefore(at)
      .setIssuedAt(at)
      .setExpirationTime(at + 600)
      .sign(createPrivateKey(key));
    const { status, body } = await azure.askEntra({
      client_id: 'app',
      scope: 'https://vault.azure.net/.default',
      grant_type: 'client_credentials',
      client_assertion_type: 'urn:ietf:params:oauth:client-assertion-type:jwt-bearer',
      client_assertion: assertion,
    });
    return { status, codes: body['error_codes'] };
  }

  test('"Assertion format": PS256 with x5t#S256, or RS256 with x5t', async () => {
    expect(await exchange({})).toEqual({ status: 200, codes: undefined });
    expect(await exchange({ alg: 'RS256' })).toEqual({ status: 200, codes: undefined });
  });

  const { privateKey: stranger } = generateKeyPairSync('rsa', {
    modulusLength: 2048,
    publicKeyEncoding: { type: 'spki', format: 'pem' },
    privateKeyEncoding: { type: 'pkcs8', format: 'pem' },
  });
  test.each<[says: string, draft: Draft, status: number, code: number]>([
    ['a certificate that is not registered', { thumbprint: 'AAAA' }, 401, 700027],
    ['a signature of another key', { key: stranger }, 401, 700027],
    ['another audience', { audience: 'https://elsewhere' }, 401, 700023],
    ['an assertion from an hour ago', { age: 3600 }, 401, 700024],
    ['an assertion from the future', { age: -3600 }, 401, 700024],
    ['a subject that is not the client', { subject: 'other' }, 400, 50027],
  ])('Microsoft Entra error codes: %s', async (...[, draft, status, code]) => {
    expect(await exchange(draft)).toEqual({ status, codes: [code] });
  });
});

const missing = whyNoPrograms({ programs: ['openssl'] });
if (missing !== undefined) console.warn(`tests of certificates with elliptic curves are skipped: ${missing}`);

describe.skipIf(missing !== undefined)(
  'Microsoft identity platform: certificates with elliptic curves',
  () => {
    let elliptic: string;
    beforeAll(() => {
      elliptic = ellipticPem();
    });

    test.each([
      ['Azure/azure-sdk-for-net#6521: are not taken', false, 401, [5002738]],
      ['are taken where a test says so, for the day when Entra does', true, 200, undefined],
    ])('%s', async (...[, ellipticCurves, status, codes]) => {
      const azure = await start();
      azure.world.addApp({ clientId: 'app', certificates: [elliptic], ellipticCurves });
      const at = azure.now() / 1000;
      const thumbprint = createHash('sha256').update(new X509Certificate(elliptic).raw).digest('base64url');
      const assertion = await new SignJWT({ jti: 'one' })
        .setProtectedHeader({ alg: 'ES256', typ: 'JWT', 'x5t#S256': thumbprint })
        .setIssuer('app')
        .setSubject('app')
        .setAudience(`https://login.test/${tenantId}/oauth2/v2.0/token`)
        .setNotBefore(at)
        .setExpirationTime(at + 600)
        .sign(createPrivateKey(elliptic));
      const answer = await azure.askEntra({
        client_id: 'app',
        scope: 'https://vault.azure.net/.default',
        grant_type: 'client_credentials',
        client_assertion_type: 'urn:ietf:params:oauth:client-assertion-type:jwt-bearer',
        client_assertion: assertion,
      });
      expect({ status: answer.status, codes: answer.body['error_codes'] }).toEqual({ status, codes });
    });
  },
);

/** A key and its certificate, made by openssl: node-forge signs with RSA only. */
function ellipticPem(): string {
  const curve = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256'];
  const place = ['-nodes', '-keyout', '-', '-out', '-', '-days', '30', '-subj', '/CN=elliptic'];
  return execFileSync('openssl', ['req', '-x509', ...curve, ...place], { stdio: 'pipe' }).toString();
}

describe('Microsoft Entra workload identity federation', () => {
  const { privateKey, publicKey } = generateKeyPairSync('rsa', { modulusLength: 2048 });
  const cluster = { issuer: 'https://cluster', subject: 'system:serviceaccount:ns:sa' };
  const { privateKey: stranger } = generateKeyPairSync('rsa', { modulusLength: 2048 });
  const keySet = async () => ({ keys: [{ ...(await exportJWK(publicKey)), kid: 'one' }] });

  interface Draft {
    readonly clientId?: string;
    readonly issuer?: string;
    readonly subject?: string;
    readonly audience?: string;
    readonly kid?: string;
    readonly alg?: 'RS256' | 'PS256';
    readonly key?: KeyObject;
    readonly age?: number;
  }
  async function exchange(azure: Harness, draft: Draft = {}) {
    const at = azure.now() / 1000 - (draft.age ?? 0);
    const assertion = await new SignJWT({})
      .setProtectedHeader({ alg: draft.alg ?? 'RS256', kid: draft.kid ?? 'one' })
      .setIssuer(draft.issuer ?? cluster.issuer)
      .setSubject(draft.subject ?? cluster.subject)
      .setAudience(draft.audience ?? 'api://AzureADTokenExchange')
      .setIssuedAt(at)
      .setExpirationTime(at + 3600)
      .sign(draft.key ?? privateKey);
    const { status, body } = await azure.askEntra({
      client_id: draft.clientId ?? 'client-a',
      scope: 'https://vault.azure.net/.default',
      grant_type: 'client_credentials',
      client_assertion_type: 'urn:ietf:params:oauth:client-assertion-type:jwt-bearer',
      client_assertion: assertion,
    });
    return { status, codes: body['error_codes'] };
  }

  test("a service account's token is exchanged for one of the managed identity that trusts it", async () => {
    const azure = await start();
    azure.world.addFederatedCredential('client-a', { ...cluster, keys: await keySet() });
    expect(await exchange(azure)).toEqual({ status: 200, codes: undefined });
  });

  test('"How it works": the keys of the issuer are found by discovery when the credential has none', async () => {
    const asked: string[] = [];
    const fetchIssuerKeys = (issuer: string) => {
      asked.push(issuer);
      return keySet();
    };
    const azure = await start({ fetchIssuerKeys });
    azure.world.addFederatedCredential('client-a', cluster);
    expect(await exchange(azure)).toMatchObject({ status: 200 });
    expect(asked).toEqual([cluster.issuer]);
  });

  test('Microsoft Entra error codes: issuer keys that cannot be fetched → 90061', async () => {
    const azure = await start({ fetchIssuerKeys: () => Promise.reject(new Error('unreachable')) });
    azure.world.addFederatedCredential('client-a', cluster);
    expect(await exchange(azure)).toEqual({ status: 503, codes: [90061] });
  });

  test.each<[says: string, draft: Draft, status: number, code: number]>([
    ['a client that trusts nobody', { clientId: 'client-b' }, 401, 70025],
    ['another issuer', { issuer: 'https://elsewhere' }, 401, 700211],
    ['another audience', { audience: 'api://other' }, 401, 700212],
    ['another subject', { subject: 'system:serviceaccount:ns:other' }, 401, 700213],
    ['a subject that differs in case', { subject: cluster.subject.toUpperCase() }, 401, 700213],
    ['an issuer with a slash more', { issuer: `${cluster.issuer}/` }, 401, 700211],
    ['a key the issuer does not have', { kid: 'two' }, 400, 50013],
    ["another's signature under the name of the issuer's key", { key: stranger }, 400, 50013],
    ['an algorithm other than RS256', { alg: 'PS256' }, 400, 50013],
    ['an assertion that has expired', { age: 7200 }, 401, 700024],
  ])('Microsoft Entra error codes: %s', async (...[, draft, status, code]) => {
    const azure = await start();
    azure.world.addFederatedCredential('client-a', { ...cluster, keys: await keySet() });
    expect(await exchange(azure, draft)).toEqual({ status, codes: [code] });
  });

  test('kedacore/keda#8152: 700213 comes and goes although the credential exists', async () => {
    const azure = await start();
    azure.world.addFederatedCredential('client-a', { ...cluster, keys: await keySet() });
    azure.world.missFederatedCredentials('client-a', 2);
    const statuses = [];
    for (let times = 0; times < 3; times += 1) statuses.push((await exchange(azure)).codes);
    expect(statuses).toEqual([[700213], [700213], undefined]);
  });

  test('a credential that is removed gives nothing', async () => {
    const azure = await start();
    azure.world.addFederatedCredential('client-a', { ...cluster, keys: await keySet() });
    azure.world.removeFederatedCredentials('client-a');
    expect(await exchange(azure)).toEqual({ status: 401, codes: [70025] });
  });
});
