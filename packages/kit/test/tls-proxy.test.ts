import { once } from 'node:events';
import { createServer as createHttpsServer } from 'node:https';
import { connect, type AddressInfo, type Server } from 'node:net';
import { createServer, getCACertificates, setDefaultCACertificates, type TLSSocket } from 'node:tls';
import { describe, expect, it, vi } from 'vitest';
import { createHttpClient } from '@pod-identity/kit/serve';
import { createCertificate, whyNoCertificate } from './fixtures/certificate.ts';
import { afterwards, temporaryFolder } from './fixtures/server.ts';

const get = { method: 'GET', headers: {}, longestBody: 1024 * 1024 };

async function addressOf(server: Server): Promise<string> {
  await once(server.listen(0, '127.0.0.1'), 'listening');
  afterwards(() => new Promise((resolve) => server.close(resolve)));
  return `127.0.0.1:${(server.address() as AddressInfo).port}`;
}

/** A client whose proxy has an https:// address. */
async function clientOf(onTunnel: (socket: TLSSocket, head: string) => void) {
  const certificate = createCertificate(temporaryFolder());
  const trusted = getCACertificates('default');
  setDefaultCACertificates([certificate.cert]);
  const proxy = createServer(certificate, (socket) => {
    socket.on('error', () => undefined);
    socket.once('data', (head: Buffer) => onTunnel(socket, head.toString()));
  });
  vi.stubEnv('HTTPS_PROXY', `https://${await addressOf(proxy)}`);
  vi.stubEnv('NO_PROXY', '');
  const client = createHttpClient({ maxSockets: 2, idleMs: 5_000, usesProxy: true });
  afterwards(() => {
    client.close();
    vi.unstubAllEnvs();
    setDefaultCACertificates(trusted);
    return Promise.resolve();
  });
  return { client, certificate };
}

describe.skipIf(whyNoCertificate !== undefined)('a proxy with an https:// address', () => {
  it('leads to a server whose response is longer than headers may be', async () => {
    const { client, certificate } = await clientOf((socket, head) => {
      const [, port = ''] = /^CONNECT [^ ]+:(\d+)/.exec(head) ?? [];
      const onward = connect(Number(port), '127.0.0.1', () => {
        socket.write('HTTP/1.1 200 OK\r\n\r\n');
        socket.pipe(onward).pipe(socket);
      });
      onward.on('error', () => socket.destroy());
    });
    const body = 'x'.repeat(200_000);
    const host = await addressOf(createHttpsServer(certificate, (_, response) => response.end(body)));
    for (let requests = 0; requests < 2; requests += 1)
      await expect(
        client.send(`https://${host}/`, { ...get, signal: new AbortController().signal }),
      ).resolves.toMatchObject({ status: 200, body });
  });

  it('attack: whose response to CONNECT comes in many parts does not slow the program more with each', async () => {
    const warnings: string[] = [];
    const note = ({ name }: Error) => void warnings.push(name);
    process.on('warning', note);
    afterwards(() => Promise.resolve(void process.off('warning', note)));
    const { client } = await clientOf((socket) => {
      // Node's listeners would double with each: not more parts, so that this fails without a limit, and does not stop.
      const parts = ['HTTP/1.1 200 OK\r\n', ...Array.from({ length: 16 }, (_, n) => `X-${n}: part\r\n`)];
      const next = () => {
        const part = parts.shift();
        if (part === undefined) socket.end();
        else socket.write(part, () => setImmediate(next));
      };
      next();
    });
    await expect(
      client.send('https://127.0.0.1:1/', { ...get, signal: new AbortController().signal }),
    ).rejects.toThrow('ended unexpectedly');
    expect(warnings).toEqual([]);
  });

  it('attack: whose response to CONNECT does not end fails the request after the size of headers', async () => {
    const mebibyte = 1024 * 1024;
    let sent = 0;
    const closed = Promise.withResolvers<undefined>();
    const { client } = await clientOf((socket) => {
      const more = () => {
        // Without a limit the response ends here, with another error.
        if (sent >= 8 * mebibyte) socket.end();
        else socket.write('x'.repeat(16_384), () => ((sent += 16_384), setImmediate(more)));
      };
      socket.once('close', () => closed.resolve(undefined));
      socket.write('HTTP/1.1 200 OK\r\n', more);
    });
    await expect(
      client.send('https://127.0.0.1:1/', { ...get, signal: new AbortController().signal }),
    ).rejects.toThrow('the response of the proxy has more than 16384 bytes of headers');
    await closed.promise;
    expect(sent).toBeLessThan(8 * mebibyte);
  });
});
