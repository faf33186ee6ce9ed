import { execFile } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { afterAll, beforeAll, expect, test } from 'vitest';

const program = fileURLToPath(new URL('direct-calls.program.ts', import.meta.url));
const heard = { direct: [] as string[], proxy: [] as string[] };
let servers: Record<keyof typeof heard, Server>;
let folder: string;

const listen = async (who: keyof typeof heard) => {
  const server = createServer(({ url = '' }, response) => {
    heard[who].push(url);
    response.setHeader('content-type', 'application/json').end('{}');
  });
  await once(server.listen(0, '127.0.0.1'), 'listening');
  return server;
};
const urlOf = (server: Server) => `http://127.0.0.1:${String((server.address() as AddressInfo).port)}`;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'direct-calls-'));
  servers = { direct: await listen('direct'), proxy: await listen('proxy') };
});
afterAll(async () => {
  for (const server of Object.values(servers)) server.close();
  await rm(folder, { recursive: true });
});

test('calls to the API server, ARM and the metadata service use no proxy, even without NO_PROXY', async () => {
  const url = urlOf(servers.direct);
  const kubeconfig = join(folder, 'kubeconfig');
  const cluster = { name: 'c', cluster: { server: url } };
  const context = { name: 'c', context: { cluster: 'c', user: 'u' } };
  const config = { clusters: [cluster], contexts: [context], users: [{ name: 'u', user: {} }] };
  await writeFile(kubeconfig, JSON.stringify({ ...config, 'current-context': 'c' }));
  const proxy = urlOf(servers.proxy);
  // The last makes Node's own clients use a proxy, where they are not told otherwise.
  const env = {
    PATH: process.env['PATH'],
    HTTP_PROXY: proxy,
    HTTPS_PROXY: proxy,
    http_proxy: proxy,
    https_proxy: proxy,
    NODE_USE_ENV_PROXY: '1',
  };
  await promisify(execFile)(process.execPath, [program, url, kubeconfig], { env });
  expect(heard).toEqual({
    direct: ['/api-server', '/arm', expect.stringContaining('/metadata/identity/'), '/metadata-of-nmi'],
    proxy: [],
  });
});
