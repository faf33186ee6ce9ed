// In a process of its own: @azure/msal-node keeps the endpoint that it found first.
import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { readFile } from 'node:fs/promises';
import { getCACertificates, setDefaultCACertificates } from 'node:tls';
import { startSim, type Sim } from '@pod-identity/sim';
import { afterAll, beforeAll, expect, onTestFinished, test, vi } from 'vitest';
import { readConfig } from '../src/config.ts';
import { run } from '../src/run.ts';

// One for both: two authorities of the same name in one process would be taken for one another.
let sim: Sim;
beforeAll(async () => {
  sim = await startSim({ azure: { seed: (world) => world.addVault({ name: 'vault' }) } });
  setDefaultCACertificates([...getCACertificates(), await readFile(sim.azure.caFile, 'utf8')]);
});
afterAll(() => sim.stop());

test.each(['default', 'imds'])(
  'CREDENTIAL=%s: it ends while the endpoint holds a request for a token, as NMI does while an identity is being assigned',
  async (credential) => {
    const held = new AbortController();
    const endpoint = createServer(({ headers }, response) => {
      // A probe is refused at once.
      if (headers['metadata'] === undefined) response.writeHead(400).end();
      else held.abort();
    });
    endpoint.listen(0, '127.0.0.1');
    onTestFinished(() => {
      endpoint.close().closeAllConnections();
    });
    await once(endpoint, 'listening');
    onTestFinished(() => {
      vi.unstubAllEnvs();
    });
    vi.stubEnv(
      'AZURE_POD_IDENTITY_AUTHORITY_HOST',
      `http://127.0.0.1:${(endpoint.address() as AddressInfo).port}`,
    );
    const config = readConfig({
      CREDENTIAL: credential,
      KEYVAULT_URL: sim.azure.vaultUrl('vault'),
      KEYVAULT_SKIP_CHALLENGE_VERIFICATION: 'true',
      SECRET_NAMES: 'database',
      PORT: '0',
      LISTEN_ADDRESS: '127.0.0.1',
    });
    if ('problems' in config) throw new Error(config.problems.join());
    const stop = new AbortController();
    onTestFinished(() => stop.abort());
    const lines: string[] = [];
    const say = (line: string) => void lines.push(line);
    const code = run(config, say, stop.signal);
    await vi.waitUntil(() => held.signal.aborted, { timeout: 60_000 });
    stop.abort();
    expect(await code).toBe(0);
    expect(lines.filter((line) => line.startsWith('could not'))).toEqual([]);
  },
);
