import { once } from 'node:events';
import { chmodSync, writeFileSync } from 'node:fs';
import { createServer, request as forward, type IncomingHttpHeaders } from 'node:http';
import { connect as dial, createServer as createListener, type AddressInfo, type Server } from 'node:net';
import { delimiter, join } from 'node:path';
import { describe, expect, test, vi } from 'vitest';
import { connectUser, type KubeRequest, type UserConnectOptions } from '@pod-identity/kit/kube';
import { createCertificate, whyNoCertificate } from './fixtures/certificate.ts';
import { afterwards, kubeconfigFile, startServer, temporaryFolder } from './fixtures/server.ts';

const get: KubeRequest = { method: 'GET', path: '/api/v1/pods' };

async function connect(options: Partial<UserConnectOptions>) {
  const connection = await connectUser({ userAgent: 'kubectl/test', proxyEnv: {}, ...options });
  afterwards(() => connection.transport.close());
  return connection;
}

async function listening(server: Server): Promise<number> {
  await once(server.listen(0, '127.0.0.1'), 'listening');
  afterwards(() => new Promise((resolve) => server.close(resolve)));
  return (server.address() as AddressInfo).port;
}

/** An HTTP proxy that notes where it was led. */
async function startProxy() {
  const targets: string[] = [];
  const proxy = createServer((request, response) => {
    targets.push(request.url ?? '');
    request.pipe(forward(request.url ?? '', { headers: request.headers }, (from) => from.pipe(response)));
  });
  proxy.on('connect', ({ url = '' }, socket) => {
    targets.push(url);
    const [host = '', port] = url.split(':');
    const onward = dial(Number(port), host, () => {
      socket.write('HTTP/1.1 200 OK\r\n\r\n');
      onward.pipe(socket).pipe(onward);
    });
    onward.on('error', () => socket.destroy());
    socket.on('error', () => onward.destroy());
    afterwards(() => socket.destroy());
  });
  const port = await listening(proxy);
  return { url: `http://127.0.0.1:${port}`, targets };
}

function writeConfig(folder: string, name: string, config: object): string {
  const file = join(folder, name);
  writeFileSync(file, JSON.stringify({ apiVersion: 'v1', kind: 'Config', ...config }));
  return file;
}

describe('the kubeconfig', () => {
  test('a context is chosen by its name, with its namespace', async () => {
    const [first, second] = [
      await startServer((_, to) => to.end('{"n":1}')),
      await startServer((_, to) => to.end('{"n":2}')),
    ];
    const kubeconfig = writeConfig(temporaryFolder(), 'config', {
      'current-context': 'a',
      contexts: [
        { name: 'a', context: { cluster: 'one', user: 'me' } },
        { name: 'b', context: { cluster: 'two', user: 'me', namespace: 'shop' } },
      ],
      clusters: [
        { name: 'one', cluster: { server: first.url } },
        { name: 'two', cluster: { server: second.url } },
      ],
      users: [{ name: 'me', user: {} }],
    });
    expect(await (await connect({ kubeconfig })).transport.request(get)).toEqual({ n: 1 });
    const { transport, namespace } = await connect({ kubeconfig, context: 'b' });
    expect([namespace, await transport.request(get)]).toEqual(['shop', { n: 2 }]);
    expect(await (await connect({ kubeconfig, cluster: 'two' })).transport.request(get)).toEqual({ n: 2 });
    await expect(connect({ kubeconfig, context: 'c' })).rejects.toThrow(
      'the kubeconfig has no context c; there are: a, b',
    );
  });

  test('of the files in KUBECONFIG the first that has a name counts, and files may be missing', async () => {
    const server = await startServer((_, to) => to.end('{}'));
    const folder = temporaryFolder();
    const clusters = (url: string) => [{ name: 'k', cluster: { server: url } }];
    const first = writeConfig(folder, 'first', { clusters: clusters(server.url) });
    const second = writeConfig(folder, 'second', {
      'current-context': 'c',
      clusters: clusters('http://127.0.0.1:1'),
      contexts: [{ name: 'c', context: { cluster: 'k', user: 'u', namespace: 'shop' } }],
      users: [{ name: 'u', user: {} }],
    });
    vi.stubEnv('KUBECONFIG', [join(folder, 'none'), first, second].join(delimiter));
    afterwards(() => vi.unstubAllEnvs());
    const { transport, namespace } = await connect({});
    expect([transport.server, namespace]).toEqual([server.url, 'shop']);
    expect(await transport.request(get)).toEqual({});
  });

  test('without any file it is said where one is missing', async () => {
    const file = join(temporaryFolder(), 'none');
    vi.stubEnv('KUBECONFIG', file);
    afterwards(() => vi.unstubAllEnvs());
    await expect(connect({})).rejects.toThrow(`there is no kubeconfig at ${file}`);
  });

  test('a credential plugin is told about the cluster in its environment', async () => {
    const seen: IncomingHttpHeaders[] = [];
    const server = await startServer(({ headers }, to) => {
      seen.push(headers);
      to.end('{}');
    });
    const folder = temporaryFolder();
    const command = join(folder, 'plugin');
    const script = `#!/bin/sh\ncase "$KUBERNETES_EXEC_INFO" in *'"server":"${server.url}"'*) t=$TOKEN;; esac\n`;
    writeFileSync(command, `${script}echo '{"status":{"token":"'$t'"}}'\n`);
    chmodSync(command, 0o755);
    const exec = {
      apiVersion: 'client.authentication.k8s.io/v1',
      command,
      provideClusterInfo: true,
      env: [{ name: 'TOKEN', value: 'abc' }],
    };
    const kubeconfig = kubeconfigFile(server.url, { user: { exec }, folder });
    await (await connect({ kubeconfig })).transport.request(get);
    expect(seen[0]?.authorization).toBe('Bearer abc');
  });

  test('a credential plugin that needs a terminal is refused by its name', async () => {
    const exec = {
      apiVersion: 'client.authentication.k8s.io/v1',
      command: 'ask-me',
      interactiveMode: 'Always',
    };
    const kubeconfig = kubeconfigFile('http://127.0.0.1:1', { user: { exec } });
    await expect((await connect({ kubeconfig })).transport.request(get)).rejects.toThrow(/ask-me.*terminal/);
  });

  test('attack: neither a file that cannot be read, nor the output of a plugin, nor a password in the address is repeated', async () => {
    const folder = temporaryFolder();
    const broken = join(folder, 'broken');
    writeFileSync(broken, 'users:\n- name: u\n  user:\n    token: hunter2\n   client: [\n');
    await expect(connect({ kubeconfig: broken })).rejects.toThrow(
      /^(?!.*hunter2)cannot read the kubeconfig .*line \d/s,
    );
    const plugin = {
      apiVersion: 'client.authentication.k8s.io/v1',
      command: process.execPath,
      args: ['-p', '"hunter2"'],
      interactiveMode: 'Never',
    };
    const kubeconfig = writeConfig(folder, 'config', {
      'current-context': 'a',
      contexts: [{ name: 'a', context: { cluster: 'one', user: 'me' } }],
      clusters: [{ name: 'one', cluster: { server: 'http://me:hunter2@127.0.0.1:1' } }],
      users: [{ name: 'me', user: { exec: plugin } }],
    });
    const { transport } = await connect({ kubeconfig });
    expect(transport.server).toBe('http://127.0.0.1:1');
    await expect(transport.request(get)).rejects.toThrow(/^(?!.*hunter2).*printed no JSON/s);
  });

  test('impersonation has a header for each group', async () => {
    const seen: string[] = [];
    const server = await startServer(({ rawHeaders }, to) => {
      seen.push(...rawHeaders.filter((_, at) => rawHeaders[at - 1]?.toLowerCase() === 'impersonate-group'));
      to.end('{}');
    });
    const headers = { 'impersonate-user': 'jane', 'impersonate-group': ['dev', 'shop'] };
    await (await connect({ kubeconfig: kubeconfigFile(server.url), headers })).transport.request(get);
    expect(seen).toEqual(['dev', 'shop']);
  });
});

describe('a proxy', () => {
  test('proxy-url of the kubeconfig leads to a server without TLS', async () => {
    const [server, proxy] = [await startServer((_, to) => to.end('{}')), await startProxy()];
    const kubeconfig = kubeconfigFile(server.url, { cluster: { 'proxy-url': proxy.url } });
    expect(await (await connect({ kubeconfig })).transport.request(get)).toEqual({});
    expect(proxy.targets).toEqual([`${server.url}/api/v1/pods`]);
  });

  test('that of the environment leads to a server, whatever its name', async () => {
    const targets: string[] = [];
    const proxy = await startServer(({ url = '' }, to) => {
      targets.push(url);
      to.end('{}');
    });
    const proxyEnv = { HTTP_PROXY: proxy.url, NO_PROXY: '.other.invalid' };
    const kubeconfig = kubeconfigFile('http://api.example.invalid');
    expect(await (await connect({ kubeconfig, proxyEnv })).transport.request(get)).toEqual({});
    expect(targets).toEqual(['http://api.example.invalid/api/v1/pods']);
  });

  test.skipIf(whyNoCertificate !== undefined)(
    '… and through a tunnel to one with TLS, watches too',
    async () => {
      const { key, cert } = createCertificate(temporaryFolder());
      const server = await startServer((_, to) => to.end('{"type":"ADDED"}\n'), { key, cert });
      const proxy = await startProxy();
      const ca = Buffer.from(cert).toString('base64');
      const cluster = { 'proxy-url': proxy.url, 'certificate-authority-data': ca };
      const { transport } = await connect({ kubeconfig: kubeconfigFile(server.url, { cluster }) });
      expect(await transport.request(get)).toEqual({ type: 'ADDED' });
      for await (const event of transport.watch(get)) expect(event).toEqual({ type: 'ADDED' });
      expect(new Set(proxy.targets)).toEqual(new Set([new URL(server.url).host]));
    },
  );

  test('one that is not of HTTP is refused, without its password', async () => {
    const cluster = { 'proxy-url': 'socks5://me:hunter2@127.0.0.1:1' };
    const error = await connect({ kubeconfig: kubeconfigFile('http://127.0.0.1:1', { cluster }) }).catch(
      (refusal: unknown) => refusal,
    );
    expect(String(error)).toMatch(/proxy-url of the kubeconfig names a socks5 proxy, which is not supported/);
    expect(String(error)).not.toMatch('hunter2');
  });

  test('one that opens no tunnel ends the request in the time it has', async () => {
    const silent = createListener((socket) => afterwards(() => socket.destroy()));
    const port = await listening(silent);
    const cluster = { 'proxy-url': `http://127.0.0.1:${port}` };
    const { transport } = await connect({ kubeconfig: kubeconfigFile('https://10.0.0.1:6443', { cluster }) });
    await expect(transport.request({ ...get, timeoutMs: 100 })).rejects.toMatchObject({ code: 'transport' });
  });
});

test('text arrives as it is sent, and a refusal is an error', async () => {
  const server = await startServer(({ url = '' }, to) => {
    if (url.startsWith('/log')) to.end('one\ntwo\n');
    else to.writeHead(403).end('{"message":"you may not"}');
  });
  const { transport } = await connect({ kubeconfig: kubeconfigFile(server.url) });
  const read = async (path: string) => {
    let text = '';
    for await (const chunk of transport.text?.({ method: 'GET', path }) ?? []) text += chunk.toString();
    return text;
  };
  expect(await read('/log')).toBe('one\ntwo\n');
  await expect(read('/other')).rejects.toMatchObject({ code: 'denied', message: 'you may not' });
});
