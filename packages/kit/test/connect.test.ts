import { chmodSync, renameSync, writeFileSync } from 'node:fs';
import type { IncomingMessage } from 'node:http';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { connectKube, fenceWrites, type KubeRequest, type KubeTransport } from '@pod-identity/kit/kube';
import { createFakeClock } from '@pod-identity/kit/testing';
import { createCertificate, whyNoCertificate } from './fixtures/certificate.ts';
import { afterwards, kubeconfigFile, startServer, temporaryFolder } from './fixtures/server.ts';

const get: KubeRequest = { method: 'GET', path: '/api/v1/pods' };

async function connect(options: Parameters<typeof connectKube>[0]): Promise<KubeTransport> {
  const transport = await connectKube(options);
  afterwards(() => transport.close());
  return transport;
}

describe('connection', () => {
  test('200 calls use no more than two TCP connections', async () => {
    const server = await startServer((_, response) => response.end('{"ok":true}'));
    const transport = await connect({ kubeconfig: kubeconfigFile(server.url), userAgent: 'kit/test' });
    for (let call = 0; call < 200; call += 1) expect(await transport.request(get)).toEqual({ ok: true });
    expect(server.connections).toBeLessThanOrEqual(2);
    expect(transport.server).toBe(server.url);
  });

  test.skipIf(whyNoCertificate !== undefined)(
    '200 calls over TLS with a CA use no more than two',
    async () => {
      const { key, cert } = createCertificate(temporaryFolder());
      const server = await startServer((_, response) => response.end('{}'), { key, cert });
      const cluster = { 'certificate-authority-data': Buffer.from(cert).toString('base64') };
      const transport = await connect({
        kubeconfig: kubeconfigFile(server.url, { cluster }),
        userAgent: 'kit/test',
      });
      for (let call = 0; call < 200; call += 1) await transport.request(get);
      expect(server.connections).toBeLessThanOrEqual(2);
    },
  );

  test('200 calls at once share a bounded number', async () => {
    const server = await startServer((_, response) => response.end('{}'));
    const transport = await connect({ kubeconfig: kubeconfigFile(server.url), userAgent: 'kit/test' });
    await Promise.all(Array.from({ length: 200 }, () => transport.request(get)));
    expect(server.connections).toBeLessThanOrEqual(16);
  });

  test.skipIf(whyNoCertificate !== undefined)(
    'a certificate of an unknown authority is refused',
    async () => {
      const server = await startServer(
        (_, response) => response.end('{}'),
        createCertificate(temporaryFolder()),
      );
      const transport = await connect({ kubeconfig: kubeconfigFile(server.url), userAgent: 'kit/test' });
      await expect(transport.request(get)).rejects.toMatchObject({ name: 'KubeError', code: 'transport' });
    },
  );

  test.skipIf(whyNoCertificate !== undefined)('a client certificate is sent to the server', async () => {
    const { key, cert } = createCertificate(temporaryFolder());
    const tls = { key, cert, ca: cert, requestCert: true, rejectUnauthorized: true };
    const server = await startServer((_, response) => response.end('{}'), tls);
    const base64 = (text: string) => Buffer.from(text).toString('base64');
    const cluster = { 'certificate-authority-data': base64(cert) };
    const user = { 'client-certificate-data': base64(cert), 'client-key-data': base64(key) };
    const kubeconfig = kubeconfigFile(server.url, { cluster, user });
    const transport = await connect({ kubeconfig, userAgent: 'kit/test' });
    expect(await transport.request(get)).toEqual({});
  });
});

describe('credentials', () => {
  /** A server that accepts what `accepts` says at the time. */
  async function guarded(accepts: () => string) {
    const seen: IncomingMessage['headers'][] = [];
    const server = await startServer((request, response) => {
      seen.push(request.headers);
      if (request.headers.authorization !== accepts()) response.statusCode = 401;
      response.end('{}');
    });
    return { server, seen };
  }

  test('a static token and the user agent are sent', async () => {
    const { server, seen } = await guarded(() => 'Bearer abc');
    const kubeconfig = kubeconfigFile(server.url, { user: { token: 'abc' } });
    await (await connect({ kubeconfig, userAgent: 'mic/1.0' })).request(get);
    expect(seen[0]).toMatchObject({ 'user-agent': 'mic/1.0', accept: 'application/json' });
  });

  test('user name and password are sent', async () => {
    const { server } = await guarded(() => `Basic ${Buffer.from('me:hunter2').toString('base64')}`);
    const kubeconfig = kubeconfigFile(server.url, { user: { username: 'me', password: 'hunter2' } });
    expect(await (await connect({ kubeconfig, userAgent: 'x' })).request(get)).toEqual({});
  });

  test.each(['token-file', 'auth-provider'])(
    'a token file (%s) is read again after a minute',
    async (way) => {
      const folder = temporaryFolder();
      const tokenFile = join(folder, 'token');
      writeFileSync(tokenFile, 'one\n');
      const { server, seen } = await guarded(() => seen.at(-1)?.authorization ?? '');
      const user =
        way === 'token-file'
          ? { 'token-file': tokenFile }
          : { 'auth-provider': { name: 'tokenFile', config: { tokenFile } } };
      const clock = createFakeClock();
      const kubeconfig = kubeconfigFile(server.url, { user, folder });
      const transport = await connect({ kubeconfig, userAgent: 'x', clock });
      await transport.request(get);
      writeFileSync(tokenFile, 'two');
      await clock.advance(59_000);
      await transport.request(get);
      await clock.advance(2000);
      await transport.request(get);
      expect(seen.map(({ authorization }) => authorization)).toEqual([
        'Bearer one',
        'Bearer one',
        'Bearer two',
      ]);
    },
  );

  test('after 401 the token is read again at once, and only once', async () => {
    const folder = temporaryFolder();
    const tokenFile = join(folder, 'token');
    writeFileSync(tokenFile, 'old');
    let accepted = 'Bearer old';
    const { server, seen } = await guarded(() => accepted);
    const clock = createFakeClock();
    const kubeconfig = kubeconfigFile(server.url, { user: { 'token-file': tokenFile }, folder });
    const transport = await connect({ kubeconfig, userAgent: 'x', clock });
    await transport.request(get);
    writeFileSync(tokenFile, 'new');
    accepted = 'Bearer new';
    await clock.advance(2000);
    await transport.request(get);
    expect(seen.map(({ authorization }) => authorization)).toEqual([
      'Bearer old',
      'Bearer old',
      'Bearer new',
    ]);
    accepted = 'Bearer other';
    await clock.advance(2000);
    await expect(transport.request(get)).rejects.toMatchObject({ code: 'unauthorized', status: 401 });
    expect(seen).toHaveLength(5);
  });

  test('a watch also gets fresh credentials after 401', async () => {
    const folder = temporaryFolder();
    const tokenFile = join(folder, 'token');
    writeFileSync(tokenFile, 'old');
    const { server } = await guarded(() => 'Bearer new');
    const clock = createFakeClock();
    const kubeconfig = kubeconfigFile(server.url, { user: { 'token-file': tokenFile }, folder });
    const transport = await connect({ kubeconfig, userAgent: 'x', clock });
    await expect(transport.request(get)).rejects.toMatchObject({ code: 'unauthorized' });
    writeFileSync(tokenFile, 'new');
    await clock.advance(2000);
    for await (const event of transport.watch(get)) expect(event).toEqual({});
  });

  test('while a file is being replaced, the last credentials are used', async () => {
    const folder = temporaryFolder();
    const { server } = await guarded(() => 'Bearer abc');
    const clock = createFakeClock();
    const kubeconfig = kubeconfigFile(server.url, { user: { token: 'abc' }, folder });
    const transport = await connect({ kubeconfig, userAgent: 'x', clock });
    await transport.request(get);
    renameSync(kubeconfig, `${kubeconfig}.away`);
    await clock.advance(61_000);
    expect(await transport.request(get)).toEqual({});
  });

  test('a credential plugin runs once, and again when its credentials are refused', async () => {
    const folder = temporaryFolder();
    const command = join(folder, 'plugin.sh');
    const script = [
      '#!/bin/sh',
      `n=$(cat ${folder}/n 2>/dev/null || echo 0); n=$((n+1)); echo $n > ${folder}/n`,
      `echo '{"apiVersion":"client.authentication.k8s.io/v1","kind":"ExecCredential","status":{"token":"t'$n'"}}'`,
    ];
    writeFileSync(command, script.join('\n'));
    chmodSync(command, 0o755);
    let accepted = 'Bearer t1';
    const { server } = await guarded(() => accepted);
    const clock = createFakeClock();
    const exec = { apiVersion: 'client.authentication.k8s.io/v1', command };
    const kubeconfig = kubeconfigFile(server.url, { user: { exec }, folder });
    const transport = await connect({ kubeconfig, userAgent: 'x', clock });
    await transport.request(get);
    await clock.advance(120_000);
    await transport.request(get);
    accepted = 'Bearer t2';
    await clock.advance(2000);
    expect(await transport.request(get)).toEqual({});
  });
});

describe('invalid settings are refused with a remedy', () => {
  test('a missing kubeconfig', async () => {
    const connecting = connectKube({ kubeconfig: join(temporaryFolder(), 'none'), userAgent: 'x' });
    await expect(connecting).rejects.toMatchObject({
      name: 'ConfigurationError',
      message: expect.stringMatching(/none/) as string,
      cause: { code: 'invalid' },
    });
  });

  test('a proxy', async () => {
    const kubeconfig = kubeconfigFile('http://127.0.0.1:1', {
      cluster: { 'proxy-url': 'http://127.0.0.1:2' },
    });
    await expect(connectKube({ kubeconfig, userAgent: 'x' })).rejects.toThrow('proxy-url');
  });
});

describe('rate', () => {
  test('calls above qps and burst wait for their turn; watches and leases do not', async () => {
    const paths: string[] = [];
    const server = await startServer((request, response) => {
      paths.push(request.url ?? '');
      response.end('{}\n');
    });
    const clock = createFakeClock();
    const kubeconfig = kubeconfigFile(server.url);
    const transport = await connect({ kubeconfig, userAgent: 'x', qps: 1, burst: 2, clock });
    const calls = ['/a', '/b', '/c', '/d'].map((path) => transport.request({ method: 'GET', path }));
    await Promise.all(calls.slice(0, 2));
    await transport.request({ method: 'PUT', path: '/apis/coordination.k8s.io/v1/x', body: {} });
    for await (const event of transport.watch(get)) expect(event).toEqual({});
    expect(paths).toEqual(['/a', '/b', '/apis/coordination.k8s.io/v1/x', '/api/v1/pods']);
    await clock.advance(1000);
    await calls[2];
    expect(paths.at(-1)).toBe('/c');
    await clock.advance(1000);
    await calls[3];
    expect(paths.at(-1)).toBe('/d');
  });

  test('a call that is aborted while it waits is not sent', async () => {
    const server = await startServer((_, response) => response.end('{}'));
    const clock = createFakeClock();
    const kubeconfig = kubeconfigFile(server.url);
    const transport = await connect({ kubeconfig, userAgent: 'x', qps: 1, burst: 1, clock });
    await transport.request(get);
    const controller = new AbortController();
    const waiting = transport.request({ ...get, signal: controller.signal });
    controller.abort();
    await expect(waiting).rejects.toMatchObject({ code: 'aborted' });
  });

  test('a write that loses its fence while it waits for its turn is not sent; reads are', async () => {
    const sent: string[] = [];
    const server = await startServer(({ method = '', url = '' }, response) => {
      sent.push(`${method} ${url}`);
      response.end('{}');
    });
    const clock = createFakeClock();
    const kubeconfig = kubeconfigFile(server.url);
    const transport = await connect({ kubeconfig, userAgent: 'x', qps: 1, burst: 1, clock });
    let holds = true;
    const fenced = fenceWrites(transport, () => holds);
    await fenced.request({ method: 'POST', path: '/a', body: {} });
    const waiting = (['POST', 'PUT', 'PATCH', 'DELETE', 'GET'] as const).map((method) =>
      fenced.request({ method, path: '/b' }),
    );
    const ended = Promise.allSettled(waiting);
    holds = false;
    await clock.advance(10_000);
    const outcomes = (await ended).map((one) => (one.status === 'rejected' ? one.reason : 'sent') as unknown);
    expect(outcomes).toMatchObject([...Array<unknown>(4).fill({ code: 'aborted' }), 'sent']);
    await expect(fenced.request({ method: 'PUT', path: '/c' })).rejects.toMatchObject({ code: 'aborted' });
    expect(sent).toEqual(['POST /a', 'GET /b']);
  });

  test('a write that its fence refuses takes no turn from others', async () => {
    const asked: KubeRequest[] = [];
    const inner: KubeTransport = {
      server: 'x',
      close: () => Promise.resolve(),
      watch: () => {
        throw new Error('nobody watches');
      },
      request: (request) => {
        asked.push(request);
        return Promise.resolve({});
      },
    };
    const fenced = fenceWrites(inner, () => false);
    await expect(fenced.request({ method: 'PATCH', path: '/a' })).rejects.toMatchObject({ code: 'aborted' });
    await fenced.request({ method: 'GET', path: '/b' });
    expect(asked.map(({ path }) => path)).toEqual(['/b']);
  });
});
