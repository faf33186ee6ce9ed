// MIC's credentials and rights in ARM, and changes of azure.json.
import { readFileSync } from 'node:fs';
import { mkdtemp, rename, rm, writeFile } from 'node:fs/promises';
import { generateKeyPairSync, sign } from 'node:crypto';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import tls from 'node:tls';
import { exportJWK } from 'jose';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { systemClock } from '@pod-identity/kit/serve';
import { createFakeClock } from '@pod-identity/kit/testing';
import { loadCloudConfig, watchCloudConfig } from '../src/azure/cloud/cloud-config.ts';
import type { CloudSettings } from '../src/azure/cloud/cloud.ts';
import { createCredential } from '../src/azure/credential/credential.ts';
import { canonical, identityId, startTestAzure, type TestAzure } from './azure-harness.ts';
import { selfSigned } from './self-signed.ts';

const going = new AbortController().signal;
let t: TestAzure;
let folder: string;
beforeAll(async () => {
  t = await startTestAzure({ enforceRoles: true, now: Date.now });
  folder = await mkdtemp(join(tmpdir(), 'mic-access-'));
  tls.setDefaultCACertificates([
    ...tls.getCACertificates('default'),
    readFileSync(t.sim.azure.caFile, 'utf8'),
  ]);
});
afterAll(async () => {
  await t[Symbol.asyncDispose]();
  await rm(folder, { recursive: true });
});

const world = () => t.sim.azure.world;
const audience = () => `${t.sim.azure.armUrl}/`;

/** The settings of an application at the simulated Entra. */
async function application(keys: Readonly<Record<string, unknown>>): Promise<CloudSettings> {
  const path = join(folder, `${crypto.randomUUID()}.json`);
  const settings = {
    resourceManagerEndpoint: t.sim.azure.armUrl,
    activeDirectoryEndpoint: t.sim.azure.entraUrl,
    tenantId: world().defaultTenantId,
    ...keys,
  };
  await writeFile(path, JSON.stringify(settings));
  return loadCloudConfig({ path, env: {} });
}

const credentialOf = (settings: CloudSettings, env: Readonly<Record<string, string>> = {}) =>
  createCredential(settings, { clock: systemClock, random: () => 0.5, env });
const claims = (token: string) =>
  JSON.parse(Buffer.from(token.split('.')[1]!, 'base64url').toString()) as Record<string, unknown>;

describe('an application’s token for ARM', () => {
  it('by certificate', async () => {
    const { certificate, key } = selfSigned();
    const app = world().addApp({ clientId: 'certificate-app', certificates: [certificate] });
    const aadClientCertPath = join(folder, 'app.pem');
    await writeFile(aadClientCertPath, key + certificate);
    const settings = await application({ aadClientId: app.clientId, aadClientCertPath });
    expect(claims(await credentialOf(settings).getToken(going))).toMatchObject({ oid: app.principalId });
  });

  it('temporarily unavailable, it is requested again later', async () => {
    const settings = await application({ aadClientId: 'any-app', aadClientSecret: 's' });
    const elsewhere = { ...settings, endpoints: { ...settings.endpoints, authority: 'https://127.0.0.1:1' } };
    await expect(credentialOf(elsewhere).getToken(going)).rejects.toMatchObject({
      code: 'token-unavailable',
    });
  });

  it('by a missing certificate, is refused at once', async () => {
    const settings = await application({
      aadClientId: 'any-app',
      aadClientCertPath: join(folder, 'nowhere.pem'),
    });
    await expect(credentialOf(settings).getToken(going)).rejects.toMatchObject({ code: 'token-refused' });
  });

  it('by secret', async () => {
    const app = world().addApp({ clientId: 'secret-app', secrets: ['s3cret'] });
    const token = await credentialOf(
      await application({ aadClientId: app.clientId, aadClientSecret: 's3cret' }),
    ).getToken(going);
    expect(claims(token)).toMatchObject({ oid: app.principalId, aud: t.sim.azure.armUrl });
  });

  it('by federated token file, read again for every token', async () => {
    const { privateKey, publicKey } = generateKeyPairSync('rsa', { modulusLength: 2048 });
    const jwk = { ...(await exportJWK(publicKey)), kid: 'k', alg: 'RS256' };
    const app = world().addApp({
      clientId: 'federated-app',
      federated: [
        { issuer: 'https://issuer.example', subject: 'system:serviceaccount:a:mic', keys: { keys: [jwk] } },
      ],
    });
    const part = (value: object) => Buffer.from(JSON.stringify(value)).toString('base64url');
    const seconds = Math.floor(Date.now() / 1000);
    const input = `${part({ alg: 'RS256', kid: 'k', typ: 'JWT' })}.${part({ iss: 'https://issuer.example', sub: 'system:serviceaccount:a:mic', aud: 'api://AzureADTokenExchange', iat: seconds, nbf: seconds, exp: seconds + 600 })}`;
    const tokenFile = join(folder, 'projected-token');
    await writeFile(
      tokenFile,
      `${input}.${sign('RSA-SHA256', Buffer.from(input), privateKey).toString('base64url')}`,
    );
    const settings = await application({
      aadClientId: app.clientId,
      useFederatedWorkloadIdentityExtension: true,
      aadFederatedTokenFile: tokenFile,
    });
    expect(claims(await credentialOf(settings).getToken(going))).toMatchObject({ oid: app.principalId });
  });

  it('refused, the error has the reason and the application, without the secret', async () => {
    const app = world().addApp({ clientId: 'other-app', secrets: ['right'] });
    const wrong = credentialOf(
      await application({ aadClientId: app.clientId, aadClientSecret: 'wr0ng-s3cret' }),
    ).getToken(going);
    const error = await wrong.then(
      () => undefined,
      (reason: unknown) => reason,
    );
    expect(error).toMatchObject({
      code: 'token-refused',
      message: expect.stringMatching(/application other-app .*AADSTS7000215/) as string,
    });
    expect(String((error as Error).stack)).not.toContain('wr0ng');
  });
});

describe('a managed identity’s token for ARM', () => {
  it('refused by IMDS or NMI, the error names the likely cause and the remedy', async () => {
    const settings: CloudSettings = {
      ...(await application({ useManagedIdentityExtension: true, userAssignedIdentityID: 'nobody' })),
    };
    const env = { AZURE_POD_IDENTITY_AUTHORITY_HOST: t.sim.azure.imdsUrl('mic-node') };
    await expect(credentialOf(settings, env).getToken(going)).rejects.toMatchObject({
      code: 'token-refused',
      message: expect.stringMatching(/Identity not found.*AzurePodIdentityException/) as string,
    });
  });
});

describe('user-needs 10.25: what MIC may do', () => {
  it('LinkedAuthorizationFailed rejects only the identities that it names', async () => {
    const host = t.addHost('vmss', 'pool2');
    const [mine, foreign, other] = t.addIdentities('mine', 'foreign', 'other');
    world().grant(t.mic.principalId, 'Virtual Machine Contributor', host.id);
    world().grant(t.mic.principalId, 'Managed Identity Operator', mine!);
    const outcome = await t.update(host, { attach: [foreign!, mine!, other!] });
    expect(outcome.rejected).toMatchObject([
      { id: canonical('foreign'), code: 'LinkedAuthorizationFailed' },
      { id: canonical('other'), code: 'LinkedAuthorizationFailed' },
    ]);
    expect(outcome.patches).toBe(2);
    expect([...(outcome.present?.keys() ?? [])]).toEqual([mine]);
    world().grant(
      t.mic.principalId,
      'Managed Identity Operator',
      identityId('foreign').split('/', 5).join('/'),
    );
    expect(await t.update(host, { attach: [foreign!, other!] })).toMatchObject({ rejected: [] });
  });

  it('a token that ARM refuses is replaced once', async () => {
    const host = t.addHost('vm', 'vm1');
    world().grant(t.mic.principalId, 'Virtual Machine Contributor', host.id);
    const before = t.sim.azure.calls().imds;
    t.sim.azure.faults.add({
      match: { service: 'arm' },
      times: 1,
      then: { status: 401, body: { error: { code: 'ExpiredAuthenticationToken', message: 'x' } } },
    });
    expect((await t.azure.hosts.read(host, going)).kind).toBe('read');
    expect(t.sim.azure.calls().imds).toBe(before + 1);
    t.sim.azure.faults.add({
      match: { service: 'arm' },
      times: 2,
      then: { status: 401, body: { error: { code: 'InvalidAuthenticationToken', message: 'x' } } },
    });
    expect((await t.azure.hosts.read(host, going)).kind).toBe('denied');
  });

  it('the token is sent only to ARM', async () => {
    const host = t.addHost('vmss', 'pool3');
    world().grant(t.mic.principalId, 'Virtual Machine Contributor', host.id);
    const elsewhere = { 'azure-asyncoperation': `${t.sim.azure.imdsUrl('mic-node')}/operations/1` };
    t.sim.azure.faults.add({
      match: { service: 'arm', method: 'PATCH' },
      times: 1,
      then: { status: 202, headers: elsewhere },
    });
    const [mine] = t.addIdentities('mine2');
    const outcome = await t.update(host, { attach: [mine!] });
    expect(outcome.refusal).toMatchObject({
      kind: 'failed',
      message: expect.stringContaining('not an address of ARM') as string,
    });
    expect(t.sim.azure.journal.count({ service: 'imds', path: /operations/ })).toBe(0);
  });
});

describe('C18 W-C13 azure.json', () => {
  it('replaced by a rename is read again; a broken one leaves the old settings in use', async () => {
    const path = join(folder, 'azure.json');
    const put = async (text: string) => {
      await writeFile(`${path}.new`, text);
      await rename(`${path}.new`, path);
    };
    const config = (clientId: string) =>
      JSON.stringify({
        cloud: 'AzureCloud',
        useManagedIdentityExtension: true,
        userAssignedIdentityID: clientId,
      });
    await put(config('one'));

    // A clock that reports its timers: the watcher sets one after the event of the file system.
    const fake = createFakeClock();
    let set = Promise.withResolvers<undefined>();
    const clock: typeof fake = { ...fake, after: (ms, run) => (set.resolve(undefined), fake.after(ms, run)) };
    let heard = Promise.withResolvers<CloudSettings | string>();
    const term = new AbortController();
    const watching = watchCloudConfig({
      path,
      env: {},
      clock,
      signal: term.signal,
      onChange: (settings) => heard.resolve(settings),
      onProblem: (error) => heard.resolve(String(error)),
    });
    const after = async (text: string) => {
      heard = Promise.withResolvers();
      set = Promise.withResolvers();
      await put(text);
      await set.promise;
      await fake.advance(500);
      return heard.promise;
    };
    expect(await after(config('two'))).toMatchObject({
      credential: { kind: 'user-assigned', clientId: 'two' },
    });
    expect(await after('{"cloud": "Moon"}')).toContain("names no cloud: 'Moon'");
    term.abort();
    await watching;
  });

  it('in force, it changes the cluster’s own identity', async () => {
    await using other = await startTestAzure();
    const term = new AbortController();
    const watching = other.azure.watch(term.signal);
    const next = other.log.next();
    const text = readFileSync(other.configPath, 'utf8').replace(other.mic.clientId, 'another');
    await writeFile(`${other.configPath}.new`, text);
    await rename(`${other.configPath}.new`, other.configPath);
    // The jumping clock moves only for sleeps.
    const pump = setInterval(() => other.clock.jump(500), 1);
    expect(await next).toMatchObject({ level: 'info', message: 'cloud configuration read again' });
    clearInterval(pump);
    expect(other.azure.clusterClientId()).toBe('another');
    term.abort();
    await watching;
  });

  it('missing or invalid at the start, all problems are reported', async () => {
    await expect(loadCloudConfig({ path: join(folder, 'nowhere.json'), env: {} })).rejects.toThrow(
      /cloudconfig cannot be read: ENOENT/,
    );
    await expect(loadCloudConfig({ env: {} })).rejects.toMatchObject({
      name: 'ConfigurationError',
      message: expect.stringMatching(/CLOUD .*TENANT_ID .*CLIENT_SECRET/) as string,
    });
    const path = join(folder, 'no.json');
    await writeFile(path, '{');
    await expect(loadCloudConfig({ path, env: { AZURE_ENVIRONMENT_FILEPATH: path } })).rejects.toMatchObject({
      problems: ['cloudconfig', 'AZURE_ENVIRONMENT_FILEPATH'].map(
        (name) => `${path}: ${name} is not valid JSON; check for a trailing comma or a missing quote`,
      ),
    });
  });
});

describe('the file that AZURE_ENVIRONMENT_FILEPATH names', () => {
  const load = async (text: string | undefined, cloud = 'AzureStackCloud') => {
    const path = join(folder, 'stack-azure.json');
    const environmentPath = join(folder, 'stack.json');
    await writeFile(path, JSON.stringify({ cloud, useManagedIdentityExtension: true }));
    if (text !== undefined) await writeFile(environmentPath, text);
    else await rm(environmentPath, { force: true });
    return loadCloudConfig({ path, env: { AZURE_ENVIRONMENT_FILEPATH: environmentPath } });
  };
  const problemsOf = (...given: Parameters<typeof load>) =>
    load(...given).then(
      () => [],
      (error: unknown) => (error as { readonly problems: readonly string[] }).problems,
    );
  const named = () => join(folder, 'stack.json');

  it('is refused by its own path if it is no JSON, also beside a good azure.json of another cloud', async () => {
    const wrong = `${named()}: AZURE_ENVIRONMENT_FILEPATH is not valid JSON; check for a trailing comma or a missing quote`;
    expect(await problemsOf('{')).toEqual([wrong]);
    expect(await problemsOf('{', 'AzurePublicCloud')).toEqual([wrong]);
  });

  it('and if it is not there', async () => {
    expect(await problemsOf(undefined)).toEqual([
      expect.stringContaining('AZURE_ENVIRONMENT_FILEPATH cannot be read: ENOENT'),
    ]);
  });

  it('and if it names no endpoint, or one without TLS', async () => {
    const both = await problemsOf('{}');
    const one = await problemsOf(
      '{"resourceManagerEndpoint":"http://arm.example","activeDirectoryEndpoint":"https://a.example"}',
    );
    expect(both).toHaveLength(2);
    expect([both, one].flat().every((line) => line.includes('AZURE_ENVIRONMENT_FILEPATH: '))).toBe(true);
    expect(one).toHaveLength(1);
  });
});

it('audience and scope are those of the configured ARM', async () => {
  expect((await application({ useManagedIdentityExtension: true })).endpoints.audience).toBe(audience());
});
