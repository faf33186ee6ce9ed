// An old object nested as deeply as the API server accepts (10,000 levels), which JSON.stringify of Node cannot write.
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { connectKube } from '@pod-identity/kit/kube';
import { expect, onTestFinished, test } from 'vitest';
import { createFakeLog } from '../src/apply/test/fake-log.ts';
import { upgradeStoredObjects } from '../src/compat/upgrade.ts';

const levels = 9_990;
const nested = `${'['.repeat(levels)}${']'.repeat(levels)}`;
const objectText = (namespace: string, extra: string) =>
  `{"metadata":{"name":"old","namespace":"${namespace}","resourceVersion":"1"},"spec":{"ResourceID":"r","ClientID":"c"${extra}}}`;
const stored: Readonly<Record<string, string>> = {
  a: objectText('a', `,"x":${nested}`),
  b: objectText('b', ''),
};

async function serve() {
  const written: string[] = [];
  const server = createServer((request, response) => {
    const { method = '', url = '' } = request;
    const [, namespace = ''] = /namespaces\/([^/]+)\/azureidentities\//.exec(url) ?? [];
    if (method !== 'GET') written.push(`${method} ${url.replace(/.*namespaces\//, '')}`);
    request.resume();
    if (url.includes('/azureidentities?'))
      response.end(`{"metadata":{},"items":[${Object.values(stored).join(',')}]}`);
    else if (namespace !== '') response.end(stored[namespace]);
    else response.end('{"metadata":{},"items":[]}');
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;
  const folder = mkdtempSync(join(tmpdir(), 'pod-identity-mic-'));
  const kubeconfig = join(folder, 'kubeconfig');
  const cluster = { name: 'k', cluster: { server: `http://127.0.0.1:${port}` } };
  const context = { name: 'c', context: { cluster: 'k', user: 'u' } };
  const users = [{ name: 'u', user: {} }];
  writeFileSync(
    kubeconfig,
    JSON.stringify({ 'current-context': 'c', contexts: [context], clusters: [cluster], users }),
  );
  const transport = await connectKube({ kubeconfig, userAgent: 'mic' });
  onTestFinished(async () => {
    await transport.close();
    server.closeAllConnections();
    server.close();
    rmSync(folder, { recursive: true });
  });
  return { transport, written };
}

test('an object nested too deeply to be written keeps its spelling, and those of other namespaces are rewritten', async () => {
  const { transport, written } = await serve();
  const log = createFakeLog();
  const upgraded = await upgradeStoredObjects({
    transport,
    log,
    term: { signal: new AbortController().signal, holds: () => true },
    marker: { namespace: 'mic', name: 'config', key: 'type-upgrade-status', version: '2.0' },
    pause: () => Promise.resolve(),
  });
  expect(upgraded).toBe(1);
  expect(written).toEqual(['PUT b/azureidentities/old', 'PATCH mic/configmaps/config']);
  expect(log.lines).toContainEqual(
    expect.objectContaining({
      level: 'warn',
      fields: expect.objectContaining({ namespace: 'a' }) as unknown,
    }),
  );
});
