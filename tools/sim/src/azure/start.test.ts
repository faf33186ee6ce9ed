import { readFile } from 'node:fs/promises';
import { generateKeyPairSync } from 'node:crypto';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { Agent, request } from 'undici';
import { exportJWK } from 'jose';
import { createFaults } from '../http/faults.ts';
import { createJournal } from '../http/journal.ts';
import { discoverKeys } from './issuer-keys.ts';
import { startAzure, type AzureSim } from './start.ts';

const group = '/subscriptions/sub/resourceGroups/group';
const pool = `${group}/providers/Microsoft.Compute/virtualMachineScaleSets/pool`;
const identity = `${group}/providers/Microsoft.ManagedIdentity/userAssignedIdentities/a`;

test('behind a relay responses name the public addresses, and the certificate is valid for Azure’s names', async () => {
  const publicUrls = {
    arm: 'https://management.azure.com',
    entra: 'https://login.microsoftonline.com',
    vault: (name: string) => `https://${name}.vault.azure.net`,
  };
  const sim = await startAzure(
    {
      publicUrls,
      seed(world) {
        world.addVault({ name: 'one', secrets: { greeting: 'hidden-value' }, readers: [] });
      },
    },
    { journal: createJournal(), faults: createFaults() },
  );
  const { port } = new URL(sim.vaultUrl('one'));
  // The name of the request, at the address of the listener.
  const agent = new Agent({ connect: { ca: await readFile(sim.caFile), servername: 'one.vault.azure.net' } });
  const { statusCode, headers } = await request(
    `https://127.0.0.1:${port}/secrets/greeting?api-version=7.4`,
    {
      dispatcher: agent,
    },
  );
  expect([statusCode, headers['www-authenticate']]).toEqual([
    401,
    expect.stringContaining(`authorization="${publicUrls.entra}/`),
  ]);
  await agent.close();
  await sim.stop();
});

describe('Azure on loopback', () => {
  let sim: AzureSim;
  let agent: Agent;
  beforeAll(async () => {
    sim = await startAzure(
      {
        seed(world) {
          const { principalId } = world.addIdentity({ resourceId: identity });
          world.addScaleSet({ id: pool, instances: 1, identities: [identity] });
          world.addVault({ name: 'one', secrets: { greeting: 'hidden-value' }, readers: [principalId] });
          world.addApp({ clientId: 'app', secrets: ['hidden-secret'] });
        },
      },
      { journal: createJournal(), faults: createFaults() },
    );
    agent = new Agent({ connect: { ca: await readFile(sim.caFile) } });
  });
  afterAll(async () => {
    await agent.close();
    await sim.stop();
  });

  const imdsToken = async (machine: string, resource: string): Promise<string> => {
    const url = `${sim.imdsUrl(machine)}/metadata/identity/oauth2/token?api-version=2018-02-01&resource=${resource}`;
    const answer = (await (await fetch(url, { headers: { metadata: 'true' } })).json()) as {
      access_token: string;
    };
    return answer.access_token;
  };
  const readSecret = async () => {
    const authorization = `Bearer ${await imdsToken('pool_0', 'https://vault.azure.net')}`;
    const url = `${sim.vaultUrl('one')}/secrets/greeting?api-version=7.4`;
    return (await request(url, { dispatcher: agent, headers: { authorization } })).body.json();
  };

  test('every service is on 127.0.0.1, Entra and the vaults over TLS with the authority in caFile', async () => {
    for (const url of [sim.armUrl, sim.imdsUrl('pool_0')]) expect(url).toMatch(/^http:\/\/127\.0\.0\.1:\d+$/);
    for (const url of [sim.entraUrl, sim.vaultUrl('one'), sim.armSecureUrl])
      expect(url).toMatch(/^https:\/\/127\.0\.0\.1:\d+$/);
    const { statusCode } = await request(`${sim.entraUrl}/common/discovery/v2.0/keys`, { dispatcher: agent });
    expect(statusCode).toBe(200);
  });

  test('machines and vaults that are added later have a listener after ready(); unknown ones are an error', async () => {
    sim.world.scale(pool, 2);
    sim.world.addVault({ name: 'two' });
    expect(() => sim.imdsUrl('pool_1')).toThrow(/ready\(\)/);
    await sim.ready();
    expect(sim.imdsUrl('pool_1')).not.toBe(sim.imdsUrl('pool_0'));
    expect(sim.vaultUrl('two')).not.toBe(sim.vaultUrl('one'));
    expect(() => sim.vaultUrl('three')).toThrow(/no vault listener/);
  });

  test('reads() has the reader and the secret, and no secret value or token is in the journal', async () => {
    const mark = sim.journal.mark();
    const before = sim.reads().length;
    expect(await readSecret()).toMatchObject({ value: 'hidden-value' });
    await request(`${sim.entraUrl}/${sim.world.defaultTenantId}/oauth2/v2.0/token`, {
      dispatcher: agent,
      method: 'POST',
      body: 'client_id=app&client_secret=hidden-secret&grant_type=client_credentials&scope=x/.default',
    });
    const { principalId } = sim.world.identity(identity);
    expect(sim.reads().slice(before)).toMatchObject([
      { vault: 'one', secret: 'greeting', principalId, entry: { status: 200 } },
    ]);
    const kept = JSON.stringify(sim.journal.entries({ since: mark }));
    expect(kept).not.toMatch(/hidden-|eyJ/);
  });

  test('a refused read does not count, nor one whose response was lost', async () => {
    const before = sim.reads().length;
    sim.faults.add({ match: { service: 'vault' }, times: 1, then: { loseAnswer: true } });
    await expect(readSecret()).rejects.toThrow();
    await request(`${sim.vaultUrl('one')}/secrets/greeting?api-version=7.4`, { dispatcher: agent });
    expect(sim.reads()).toHaveLength(before);
  });

  test('calls() counts by service, and ARM by kind; holdOperations() keeps an update pending until released', async () => {
    sim.journal.clear();
    const headers = { authorization: `Bearer ${await imdsToken('pool_0', 'https://management.azure.com/')}` };
    const url = `${sim.armUrl}${pool}?api-version=2024-07-01`;
    const hold = sim.holdOperations();
    const updated = await fetch(url, {
      method: 'PATCH',
      headers,
      body: '{"identity":{"type":"SystemAssigned, UserAssigned"}}',
    });
    await fetch(updated.headers.get('azure-asyncoperation') ?? '', { headers });
    await fetch(url, { headers });
    expect(sim.world.host(pool).provisioningState).toBe('Updating');
    const done = sim.world.until(() => sim.world.host(pool).provisioningState === 'Succeeded');
    hold.release();
    await done;
    expect(sim.calls()).toEqual({ arm: { get: 1, patch: 1, poll: 1 }, imds: 1, entra: 0, vault: 0 });
    expect(sim.journal.entries({ method: 'PATCH' })[0]?.body).toContain('SystemAssigned');
  });

  test('an update ends by itself after the latency', async () => {
    const { token } = await sim.mint({ principalId: 'p', clientId: 'c', tenantId: 't' }, sim.armUrl);
    await fetch(`${sim.armUrl}${pool}?api-version=2024-07-01`, {
      method: 'PATCH',
      body: '{"identity":{"type":"None"}}',
      headers: { authorization: `Bearer ${token}` },
    });
    await sim.world.until(() => sim.world.host(pool).provisioningState === 'Succeeded');
    expect(sim.world.hostRecord(pool)?.effective.attached.size).toBe(0);
  });

  test('faults apply before a service responds', async () => {
    sim.faults.add({ match: { service: 'imds' }, times: 1, then: { status: 410 } });
    expect((await fetch(`${sim.imdsUrl('pool_0')}/metadata/versions`)).status).toBe(410);
    expect((await fetch(`${sim.imdsUrl('pool_0')}/metadata/versions`)).status).toBe(200);
  });
});

describe('keys of an issuer', () => {
  test('are found through its OpenID configuration; anything else is an error', async () => {
    const keys = { keys: [await exportJWK(generateKeyPairSync('rsa', { modulusLength: 2048 }).publicKey)] };
    let answers: Record<string, unknown> = {};
    const server = createServer(({ url = '' }, response) =>
      response.end(JSON.stringify(answers[url] ?? null)),
    );
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    const issuer = `http://127.0.0.1:${String((server.address() as AddressInfo).port)}`;
    const configurationOf = (named: string) => ({
      '/.well-known/openid-configuration': { issuer: named, jwks_uri: `${issuer}/keys` },
    });
    const configuration = configurationOf(issuer);
    answers = { ...configuration, '/keys': keys };
    expect(await discoverKeys(issuer)).toEqual(keys);
    await expect(discoverKeys(`${issuer}/`)).rejects.toThrow(/is that of/);
    answers = { ...configurationOf(`${issuer}/`), '/keys': keys };
    expect(await discoverKeys(`${issuer}/`)).toEqual(keys);
    answers = { ...configuration, '/keys': {} };
    await expect(discoverKeys(issuer)).rejects.toThrow(/not a key set/);
    answers = { '/.well-known/openid-configuration': { issuer } };
    await expect(discoverKeys(issuer)).rejects.toThrow(/no jwks_uri/);
    answers = {};
    await expect(discoverKeys(issuer)).rejects.toThrow(/responded/);
    server.close();
  });
});
