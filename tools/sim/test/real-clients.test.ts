import { execFile } from 'node:child_process';
import { generateKeyPairSync } from 'node:crypto';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { exportJWK, SignJWT } from 'jose';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { startAzure, type AzureSim } from '../src/azure/index.ts';
import { createServerCertificate } from '../src/azure/cert.ts';
import { createFaults } from '../src/http/faults.ts';
import { createJournal } from '../src/http/journal.ts';
import type { ClientJob } from './real-clients.child.ts';

const tenantId = '11111111-1111-4111-8111-111111111111';
const appId = '22222222-2222-4222-8222-222222222222';
const readerId = '33333333-3333-4333-8333-333333333333';
const subscriptionId = '44444444-4444-4444-8444-444444444444';
const group = `/subscriptions/${subscriptionId}/resourceGroups/group`;
const scaleSetId = `${group}/providers/Microsoft.Compute/virtualMachineScaleSets/pool`;
const virtualMachineId = `${group}/providers/Microsoft.Compute/virtualMachines/shared`;
const readerIdentity = `${group}/providers/Microsoft.ManagedIdentity/userAssignedIdentities/reader`;
const laterIdentity = `${group}/providers/Microsoft.ManagedIdentity/userAssignedIdentities/later`;

const issuer = generateKeyPairSync('rsa', { modulusLength: 2048 });
const issuerUrl = 'https://cluster.example';
const subject = 'system:serviceaccount:default:demo';

let sim: AzureSim;
let certificate: string;

beforeAll(async () => {
  const { key, cert, dispose } = await createServerCertificate();
  await dispose();
  certificate = `${key}${cert}`;
  const keys = { keys: [{ ...(await exportJWK(issuer.publicKey)), kid: 'one', alg: 'RS256' }] };
  sim = await startAzure(
    {
      tenantId,
      seed(world) {
        const reader = world.addIdentity({ resourceId: readerIdentity, clientId: readerId });
        world.addIdentity({ resourceId: laterIdentity });
        world.addVirtualMachine({ id: virtualMachineId, identities: [readerIdentity, laterIdentity] });
        world.addScaleSet({ id: scaleSetId, instances: 1, identities: [readerIdentity] });
        world.addVault({ name: 'vault', secrets: { greeting: 'hello' }, readers: [reader.principalId] });
        world.addApp({
          clientId: appId,
          secrets: ['correct'],
          certificates: [cert],
          federated: [{ issuer: issuerUrl, subject, keys }],
        });
      },
    },
    { journal: createJournal(), faults: createFaults() },
  );
});

afterAll(() => sim.stop());

interface Outcome {
  readonly ok?: Record<string, unknown>;
  readonly failed?: { readonly name: string; readonly message: string };
}

async function run(
  job: Partial<ClientJob> & Pick<ClientJob, 'client'>,
  environment: NodeJS.ProcessEnv = {},
): Promise<Outcome> {
  const whole: ClientJob = {
    tenantId,
    clientId: readerId,
    subscriptionId,
    resourceGroup: 'group',
    scaleSet: 'pool',
    entraUrl: sim.entraUrl,
    armUrl: sim.armSecureUrl,
    vaultUrl: sim.vaultUrl('vault'),
    attach: laterIdentity,
    ...job,
  };
  const script = fileURLToPath(new URL('real-clients.child.ts', import.meta.url));
  const { stdout } = await promisify(execFile)(process.execPath, [script, JSON.stringify(whole)], {
    env: {
      NODE_EXTRA_CA_CERTS: sim.caFile,
      AZURE_POD_IDENTITY_AUTHORITY_HOST: sim.imdsUrl('pool_0'),
      ...environment,
    },
  });
  return JSON.parse(stdout) as Outcome;
}

describe("Azure's own clients against the simulator", () => {
  test('ManagedIdentityCredential and DefaultAzureCredential get a token for the identity they name', async () => {
    const outcomes = await Promise.all([
      run({ client: 'managed identity' }),
      run({ client: 'default credential' }),
    ]);
    for (const { ok } of outcomes)
      expect(ok).toMatchObject({ appid: readerId, aud: 'https://vault.azure.net', tid: tenantId });
  });

  test('ManagedIdentityCredential fails at once for an identity that is not on the machine', async () => {
    const mark = sim.journal.mark();
    const { failed } = await run({ client: 'managed identity', clientId: appId });
    expect(failed?.message).toContain('Identity not found');
    expect(sim.journal.count({ service: 'imds', since: mark })).toBe(1);
  });

  test('ManagedIdentityCredential without a selector fails if there are several identities', async () => {
    const { failed } = await run(
      { client: 'managed identity, none named' },
      { AZURE_POD_IDENTITY_AUTHORITY_HOST: sim.imdsUrl('shared') },
    );
    expect(failed?.message).toContain('Multiple user assigned identities exist');
  });

  test('ClientSecretCredential gets a token with the right secret and an error with a wrong one', async () => {
    const right = await run({ client: 'secret', clientId: appId, secret: 'correct' });
    const wrong = await run({ client: 'secret', clientId: appId, secret: 'wrong' });
    expect(right.ok).toMatchObject({ appid: appId });
    expect(wrong.failed?.message).toContain('AADSTS7000215');
  });

  test('ClientCertificateCredential gets a token with a registered certificate', async () => {
    const { ok } = await run({ client: 'certificate', clientId: appId, certificate });
    expect(ok).toMatchObject({ appid: appId });
  });

  test("ClientAssertionCredential gets a token with a service account's token", async () => {
    const assertion = await new SignJWT({ sub: subject })
      .setProtectedHeader({ alg: 'RS256', kid: 'one' })
      .setIssuer(issuerUrl)
      .setAudience('api://AzureADTokenExchange')
      .setIssuedAt()
      .setExpirationTime('1h')
      .sign(issuer.privateKey);
    const { ok } = await run({ client: 'assertion', clientId: appId, assertion });
    expect(ok).toMatchObject({ appid: appId });
  });

  test('SecretClient follows the challenge and reads the secret', async () => {
    const { ok } = await run({ client: 'key vault' });
    expect(ok).toEqual({
      value: 'hello',
      version: sim.world.vault('vault')?.secrets.get('greeting')?.[0]?.version,
    });
    expect(sim.reads()).toMatchObject([{ vault: 'vault', secret: 'greeting' }]);
  });

  test('ComputeManagementClient reads a scale set and waits until its update is done', async () => {
    const { ok } = await run({ client: 'scale set' });
    expect(ok).toEqual({ before: [readerIdentity], state: 'Succeeded' });
    expect(sim.world.attachedTo(scaleSetId)).toEqual(
      [laterIdentity, readerIdentity].map((id) => id.toLowerCase()),
    );
  });
});
