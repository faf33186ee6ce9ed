import { writeFileSync } from 'node:fs';
import type { IncomingHttpHeaders } from 'node:http';
import { join } from 'node:path';
import { afterEach, describe, expect, test, vi } from 'vitest';
import { connectKube, type KubeRequest } from '@pod-identity/kit/kube';
import { createFakeClock } from '@pod-identity/kit/testing';
import { createCertificate, whyNoCertificate } from './fixtures/certificate.ts';
import { afterwards, kubeconfigFile, startServer, temporaryFolder } from './fixtures/server.ts';

const get: KubeRequest = { method: 'GET', path: '/api/v1/pods' };

afterEach(() => vi.unstubAllEnvs());

/** A folder as Kubernetes mounts it into a pod, and a server that accepts the tokens in `accepts`. */
async function inPod({ accepts }: { readonly accepts?: (authorization: string) => boolean } = {}) {
  const { key, cert } = createCertificate(temporaryFolder());
  const folder = temporaryFolder();
  writeFileSync(join(folder, 'ca.crt'), cert);
  writeFileSync(join(folder, 'token'), 'one\n');
  const seen: IncomingHttpHeaders[] = [];
  const server = await startServer(
    (request, response) => {
      seen.push(request.headers);
      if (accepts && !accepts(request.headers.authorization ?? '')) response.statusCode = 401;
      response.end('{"ok":true}');
    },
    { key, cert },
  );
  const clock = createFakeClock();
  const connect = async (options: Partial<Parameters<typeof connectKube>[0]> = {}) => {
    const transport = await connectKube({ userAgent: 'x', serviceAccountDir: folder, clock, ...options });
    afterwards(() => transport.close());
    return transport;
  };
  /** The variables that Kubernetes sets in every container. */
  const setEnvironment = () => {
    const { hostname, port } = new URL(server.url);
    vi.stubEnv('KUBERNETES_SERVICE_HOST', hostname);
    vi.stubEnv('KUBERNETES_SERVICE_PORT', port);
    vi.stubEnv('KUBECONFIG', undefined);
    vi.stubEnv('HOME', temporaryFolder());
  };
  return { folder, server, seen, clock, connect, setEnvironment };
}

describe.skipIf(whyNoCertificate !== undefined)('in a pod', () => {
  test('requests go to the server of the environment, with the token of the ServiceAccount, and its certificate must be of the CA', async () => {
    const pod = await inPod();
    pod.setEnvironment();
    const transport = await pod.connect();
    expect(await transport.request(get)).toEqual({ ok: true });
    expect([transport.server, pod.seen[0]?.authorization]).toEqual([pod.server.url, 'Bearer one']);
    writeFileSync(join(pod.folder, 'ca.crt'), createCertificate(temporaryFolder()).cert);
    await expect((await pod.connect()).request(get)).rejects.toMatchObject({ code: 'transport' });
  });

  test('an IPv6 address of the server has brackets in the URL', async () => {
    const pod = await inPod();
    pod.setEnvironment();
    vi.stubEnv('KUBERNETES_SERVICE_HOST', 'fd00::1');
    expect((await pod.connect()).server).toMatch(/^https:\/\/\[fd00::1\]:\d+$/);
  });

  test('the token is read again after a minute, over the same connection', async () => {
    const pod = await inPod();
    const transport = await pod.connect({ master: pod.server.url });
    await transport.request(get);
    writeFileSync(join(pod.folder, 'token'), 'two');
    await pod.clock.advance(59_000);
    await transport.request(get);
    await pod.clock.advance(2_000);
    await transport.request(get);
    expect(pod.seen.map(({ authorization }) => authorization)).toEqual([
      'Bearer one',
      'Bearer one',
      'Bearer two',
    ]);
    expect(pod.server.connections).toBe(1);
  });

  test('a refused token is read again at once', async () => {
    let accepted = 'Bearer one';
    const pod = await inPod({ accepts: (authorization) => authorization === accepted });
    const transport = await pod.connect({ master: pod.server.url });
    await transport.request(get);
    writeFileSync(join(pod.folder, 'token'), 'two');
    accepted = 'Bearer two';
    await pod.clock.advance(2_000);
    expect(await transport.request(get)).toEqual({ ok: true });
  });

  test('another certificate authority gets new connections, and a watch on the old ones continues', async () => {
    const { key, cert } = createCertificate(temporaryFolder());
    const folder = temporaryFolder();
    writeFileSync(join(folder, 'ca.crt'), cert);
    writeFileSync(join(folder, 'token'), 'one');
    const opened = Promise.withResolvers<() => void>();
    const server = await startServer(
      (request, response) => {
        if (!request.url?.includes('watch')) return response.end('{}');
        response.writeHead(200).write('{"n":1}\n');
        opened.resolve(() => response.end('{"n":2}\n'));
        return response;
      },
      { key, cert },
    );
    const clock = createFakeClock();
    const transport = await connectKube({
      userAgent: 'x',
      master: server.url,
      serviceAccountDir: folder,
      clock,
    });
    afterwards(() => transport.close());
    const events = transport.watch({ ...get, query: { watch: 'true' } })[Symbol.asyncIterator]();
    expect((await events.next()).value).toEqual({ n: 1 });
    writeFileSync(join(folder, 'ca.crt'), `${cert}\n${cert}`);
    await clock.advance(61_000);
    await transport.request(get);
    expect(server.connections).toBe(2);
    (await opened.promise)();
    expect((await events.next()).value).toEqual({ n: 2 });
  });

  test('without a token the connection fails with the reason', async () => {
    const transport = await connectKube({
      userAgent: 'x',
      master: 'http://127.0.0.1:1',
      serviceAccountDir: temporaryFolder(),
    });
    afterwards(() => transport.close());
    await expect(transport.request(get)).rejects.toMatchObject({
      code: 'unauthorized',
      message: expect.stringContaining('token') as string,
    });
  });
});

describe('precedence of settings', () => {
  test.skipIf(whyNoCertificate !== undefined).each(['argument', 'variable'])(
    'a kubeconfig by %s goes before what the pod has',
    async (way) => {
      const pod = await inPod();
      pod.setEnvironment();
      const other = await startServer((_, response) => response.end('{}'));
      const kubeconfig = kubeconfigFile(other.url);
      if (way === 'variable') vi.stubEnv('KUBECONFIG', kubeconfig);
      const transport = await pod.connect(way === 'argument' ? { kubeconfig } : {});
      expect(transport.server).toBe(other.url);
    },
  );

  test('an invalid address is refused with the expected form', async () => {
    const connecting = connectKube({ userAgent: 'x', master: 'api.local.test:6443' });
    await expect(connecting).rejects.toMatchObject({
      code: 'invalid',
      message: expect.stringContaining('https://HOST:PORT') as string,
    });
  });
});
