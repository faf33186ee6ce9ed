// What the real SDKs make of an HTTP proxy that refuses. In a process of its own: they read NO_PROXY once.
import { once } from 'node:events';
import { createServer } from 'node:http';
import { connect, type AddressInfo } from 'node:net';
import { readFile } from 'node:fs/promises';
import { getCACertificates, setDefaultCACertificates } from 'node:tls';
import { startSim, type Sim } from '@pod-identity/sim';
import { afterAll, afterEach, beforeAll, describe, expect, onTestFinished, test, vi } from 'vitest';
import { readConfig } from '../src/config.ts';
import { run } from '../src/run.ts';

afterEach(() => vi.unstubAllEnvs());

interface Refusal {
  readonly status: number;
  readonly body: string;
  readonly type: string;
}

interface Proxy {
  readonly url: string;
  /** The hosts of tunnels, and the URLs of other requests. */
  readonly asked: readonly string[];
}

/** Refuses all but tunnels to this host. */
async function startProxy({ status, body, type }: Refusal, allowed?: string): Promise<Proxy> {
  const asked: string[] = [];
  const proxy = createServer(({ url = '' }, response) => {
    asked.push(url);
    response.writeHead(status, { 'content-type': type }).end(body);
  });
  proxy.on('connect', ({ url = '' }, socket) => {
    asked.push(url);
    socket.on('error', () => undefined);
    if (url !== allowed) {
      socket.end(`HTTP/1.1 ${status} Refused\r\ncontent-type: ${type}\r\n\r\n${body}`);
      return;
    }
    const behind = connect(Number(new URL(`http://${url}`).port), '127.0.0.1', () => {
      socket.write('HTTP/1.1 200 OK\r\n\r\n');
      socket.pipe(behind).pipe(socket);
    });
    behind.on('error', () => socket.destroy());
    socket.once('close', () => behind.destroy());
  });
  proxy.listen(0, '127.0.0.1');
  onTestFinished(() => {
    proxy.close().closeAllConnections();
  });
  await once(proxy, 'listening');
  return { url: `http://127.0.0.1:${(proxy.address() as AddressInfo).port}`, asked };
}

/** One read of a vault behind this proxy: what was printed. */
async function readThrough(proxy: Proxy, env: Readonly<Record<string, string>>): Promise<string> {
  const all = {
    HTTPS_PROXY: proxy.url,
    KEYVAULT_URL: 'https://demo.vault.azure.net',
    SECRET_NAMES: 'database',
    READS: '1',
    ...env,
  };
  vi.stubEnv('HTTPS_PROXY', proxy.url);
  // DefaultAzureCredential would ask az, azd and pwsh of the user's machine.
  vi.stubEnv('PATH', '/nonexistent');
  vi.stubEnv('AZURE_POD_IDENTITY_AUTHORITY_HOST', 'http://127.0.0.1:1');
  const config = readConfig(all);
  if ('problems' in config) throw new Error(config.problems.join());
  const lines: string[] = [];
  const code = await run(config, (line) => lines.push(line), new AbortController().signal);
  expect(code).toBe(1);
  return lines.join('\n');
}

const html = { status: 403, body: '<html>blocked by policy</html>', type: 'text/html' };

test.each<Refusal>([
  html,
  { status: 403, body: '', type: 'text/plain' },
  {
    status: 403,
    body: '{"error":{"code":"Forbidden","message":"blocked by policy"}}',
    type: 'application/json',
  },
  { status: 407, body: '<html>login</html>', type: 'text/html' },
])('a proxy that refuses the tunnel to the vault with $status $body', async (refusal) => {
  const proxy = await startProxy(refusal);
  const said = await readThrough(proxy, { CREDENTIAL: 'imds' });
  expect(proxy.asked).toEqual(['demo.vault.azure.net:443']);
  expect(said).toContain('[proxy]');
  expect(said).toContain('HTTPS_PROXY');
  expect(said).not.toContain('az role assignment');
});

describe('a proxy that lets requests for the vault through', () => {
  let sim: Sim;
  let vault: string;
  beforeAll(async () => {
    sim = await startSim({ azure: { seed: (world) => world.addVault({ name: 'vault' }) } });
    setDefaultCACertificates([...getCACertificates(), await readFile(sim.azure.caFile, 'utf8')]);
    vault = sim.azure.vaultUrl('vault');
  });
  afterEach(() => sim.azure.faults.clear());
  afterAll(() => sim.stop());

  const read = async (credential: string): Promise<{ readonly proxy: Proxy; readonly said: string }> => {
    const proxy = await startProxy(html, new URL(vault).host);
    const said = await readThrough(proxy, {
      CREDENTIAL: credential,
      KEYVAULT_URL: vault,
      KEYVAULT_SKIP_CHALLENGE_VERIFICATION: 'true',
    });
    return { proxy, said };
  };

  test('and refuses those for tokens', async () => {
    const { proxy, said } = await read('default');
    expect(proxy.asked.at(-1)).toContain('/metadata/identity/oauth2/token');
    expect(said).toContain('[proxy]');
    expect(said).toContain('Add 169.254.169.254 to NO_PROXY, or set CREDENTIAL=imds');
  });

  test.each<[string, Readonly<Record<string, string>>, string]>([
    ['Key Vault', { 'x-ms-keyvault-region': 'westeurope' }, '[unavailable]'],
    [
      'something on the way',
      {},
      'HTTPS_PROXY names, or something behind it, responded in place of 127.0.0.1',
    ],
  ])('to which 503 without a body comes from %s', async (_, headers, expected) => {
    // The SDK repeats its request at once.
    const then = { status: 503, body: '', headers: { 'retry-after-ms': '1', ...headers } };
    sim.azure.faults.add({ match: { path: /^\/secrets\// }, then });
    const { proxy, said } = await read('imds');
    expect(new Set(proxy.asked)).toEqual(new Set([new URL(vault).host]));
    expect(said).toContain(expected);
  });
});
