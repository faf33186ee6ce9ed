// The whole program in this process, with the real SDKs, against the simulator of Azure.
import { readFile } from 'node:fs/promises';
import { getCACertificates, setDefaultCACertificates } from 'node:tls';
import { startSim, type Sim } from '@pod-identity/sim';
import { afterAll, afterEach, beforeAll, expect, test, vi } from 'vitest';
import { readConfig } from '../src/config.ts';
import { run } from '../src/run.ts';

const group = '/subscriptions/s/resourceGroups/g/providers';
const reader = `${group}/Microsoft.ManagedIdentity/userAssignedIdentities/reader`;
const machine = (name: string) => `${group}/Microsoft.Compute/virtualMachines/${name}`;

let sim: Sim;
beforeAll(async () => {
  sim = await startSim({
    azure: {
      seed(world) {
        const { principalId } = world.addIdentity({ resourceId: reader });
        world.addVirtualMachine({ id: machine('with'), identities: [reader] });
        world.addVirtualMachine({ id: machine('without') });
        world.addVault({ name: 'vault', secrets: { database: 'hidden value' } });
        world.addKey('vault', 'signing');
        world.addCertificate('vault', 'web');
        world.allowRead('vault', principalId, ['secrets', 'keys', 'certificates']);
        world.addVault({ name: 'crowd' });
        world.addVault({ name: 'closed' });
        world.allowRead('crowd', principalId, ['keys']);
      },
    },
  });
  setDefaultCACertificates([...getCACertificates(), await readFile(sim.azure.caFile, 'utf8')]);
});
afterAll(() => sim.stop());
afterEach(() => vi.unstubAllEnvs());

interface Running {
  readonly lines: readonly string[];
  readonly code: Promise<number>;
  stop(): Promise<number>;
  /** The first line, past or future, that begins so. */
  line(start: string): Promise<string>;
}

function start(env: Record<string, string>, on = 'with'): Running {
  vi.stubEnv('AZURE_POD_IDENTITY_AUTHORITY_HOST', sim.azure.imdsUrl(on));
  const config = readConfig({
    KEYVAULT_URL: sim.azure.vaultUrl('vault'),
    KEYVAULT_SKIP_CHALLENGE_VERIFICATION: 'true',
    SECRET_NAMES: 'database',
    CREDENTIAL: 'imds',
    PORT: '0',
    LISTEN_ADDRESS: '127.0.0.1',
    ...env,
  });
  if ('problems' in config) throw new Error(config.problems.join());
  const lines: string[] = [];
  const end = new AbortController();
  const code = run(config, (line) => lines.push(line), end.signal);
  return {
    lines,
    code,
    stop: () => (end.abort(), code),
    line: (begins) => vi.waitUntil(() => lines.find((line) => line.startsWith(begins)), { timeout: 60_000 }),
  };
}

test.each(['imds', 'default'])(
  'CREDENTIAL=%s: reads all three kinds once and ends with 0',
  async (credential) => {
    const all = { KEY_NAMES: 'signing', CERTIFICATE_NAMES: 'web', READS: '1' };
    const { code, lines } = start({ ...all, CREDENTIAL: credential });
    expect(await code).toBe(0);
    // They are read together.
    const printed = lines.map((line) => line.replace(/[0-9a-f]{32}.*|(?<=client id ).*/, '…'));
    expect(printed.toSorted()).toEqual([
      'read certificate web, version …',
      'read key signing, version …',
      'read secret database, version …',
      'runs as client id …',
    ]);
    expect(lines[0]).toContain(sim.azure.world.identity(reader).principalId);
    expect(lines.join()).not.toContain('hidden');
  },
);

test('* reads all objects of the vault but the key and the secret of a certificate, at most 50 of a kind', async () => {
  for (let index = 0; index < 60; index += 1) sim.azure.world.addKey('crowd', `key-${index}`);
  const all = { SECRET_NAMES: '*', KEY_NAMES: '*', CERTIFICATE_NAMES: '*', READS: '1' };
  const one = start(all);
  expect(await one.code).toBe(0);
  const read = one.lines.filter((line) => line.startsWith('read ')).map((line) => line.split(',')[0]);
  expect(read.toSorted()).toEqual(['read certificate web', 'read key signing', 'read secret database']);
  const crowd = start({
    ...all,
    KEYVAULT_URL: sim.azure.vaultUrl('crowd'),
    SECRET_NAMES: '',
    CERTIFICATE_NAMES: '',
  });
  expect(await crowd.code).toBe(0);
  expect(crowd.lines.filter((line) => line.startsWith('read key '))).toHaveLength(50);
});

test('* without a role is a missing role, in the log and on the page', async () => {
  const closed = { SECRET_NAMES: '*', KEYVAULT_URL: sim.azure.vaultUrl('closed') };
  const { code, lines } = start({ ...closed, READS: '1' });
  expect(await code).toBe(1);
  expect(lines.at(-1)).toMatch(
    /^could not read .*: The identity has no right to list the secrets of this vault\. .* \[no-role\]/,
  );
  const kept = start(closed);
  const address = (await kept.line('web page on ')).replace('web page on ', '');
  await kept.line('could not read');
  expect(await (await fetch(address)).text()).toContain('[no-role]');
  expect(await kept.stop()).toBe(0);
});

test('a new version is reported, and the page shows it', async () => {
  const sample = start({ INTERVAL_SECONDS: '1' });
  const address = (await sample.line('web page on ')).replace('web page on ', '');
  await sample.line('read secret database');
  const { version } = sim.azure.world.setSecret('vault', 'database', 'hidden newer value');
  await sample.line(`secret database was rotated: version ${version} replaces `);
  const page = await (await fetch(address)).text();
  expect(page).toContain(version);
  expect(page).toContain(sim.azure.world.identity(reader).clientId);
  expect(page).not.toContain('hidden');
  expect(await (await fetch(`${address}healthz`)).text()).toBe('ok\n');
  expect(await sample.stop()).toBe(0);
  await expect(fetch(address)).rejects.toThrow();
});

test('a failed read ends with 1', async () => {
  const { code, lines } = start({ READS: '1' }, 'without');
  expect(await code).toBe(1);
  expect(lines[0]).toMatch(
    /^could not read secret database: This pod has no Azure identity\. .* \[no-identity\]/,
  );
});

test('an error response without a body is explained by its status', async () => {
  const fault = sim.azure.faults.add({
    match: { service: 'vault', path: /^\/secrets/ },
    then: { status: 503, headers: { 'retry-after': '0' } },
  });
  const { code, lines } = start({ READS: '1' });
  expect(await code).toBe(1);
  expect(lines.join('\n')).toContain('Key Vault is not available at the moment (503)');
  fault.remove();
});

test.each([
  [
    'the page of a portal',
    { status: 200, body: '<html>log in</html>', headers: { 'content-type': 'text/html' } },
  ],
  [
    'an object of something else',
    { status: 200, body: '{}', headers: { 'content-type': 'application/json' } },
  ],
  [
    'a page that is not found',
    { status: 404, body: '<html>no</html>', headers: { 'content-type': 'text/html' } },
  ],
  [
    'a refusal of a gateway',
    { status: 403, body: '<html>no</html>', headers: { 'content-type': 'text/html' } },
  ],
])('%s is not a response of Key Vault', async (_, then) => {
  const fault = sim.azure.faults.add({ match: { service: 'vault', path: /^\/(secrets|keys)/ }, then });
  const { code, lines } = start({ READS: '1', KEY_NAMES: 'signing' });
  expect(await code).toBe(1);
  expect(lines.filter((line) => line.includes('[unreadable]'))).toHaveLength(2);
  fault.remove();
});

test('half a response is not repeated: it has half a value', async () => {
  const fault = sim.azure.faults.add({
    match: { service: 'vault', path: /^\/secrets/ },
    then: { status: 200, body: '{"value":"hidden val', headers: { 'content-type': 'application/json' } },
  });
  const { code, lines } = start({ READS: '1' });
  expect(await code).toBe(1);
  expect(lines.join('\n')).toContain('[unreadable]');
  expect(lines.join('\n')).not.toContain('hidden');
  fault.remove();
});

test('an address that this machine does not have ends with 1 and names the variable', async () => {
  // Of a network for documentation (RFC 5737).
  const { code, lines } = start({ LISTEN_ADDRESS: '192.0.2.1' });
  expect(await code).toBe(1);
  expect(lines.join('\n')).toMatch(/EADDRNOTAVAIL.*Set LISTEN_ADDRESS/);
});

test('a setting that DefaultAzureCredential refuses ends with 2', async () => {
  vi.stubEnv('AZURE_TOKEN_CREDENTIALS', 'nonsense');
  const { code, lines } = start({ READS: '1', CREDENTIAL: 'default' });
  expect(await code).toBe(2);
  expect(lines.join('\n')).toMatch(/the credential cannot be created: .*AZURE_TOKEN_CREDENTIALS/);
});

test('a port that is in use ends with 1 and names the variable', async () => {
  const first = start({});
  const port = new URL((await first.line('web page on ')).replace('web page on ', '')).port;
  const second = start({ PORT: port });
  expect(await second.code).toBe(1);
  expect(second.lines.join('\n')).toMatch(/EADDRINUSE.*Set PORT to a free one/);
  await first.stop();
});
