import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { connect } from 'node:net';
import { createInterface } from 'node:readline';
import { text } from 'node:stream/consumers';
import { createPodNetwork, type PodNetwork } from '@pod-identity/sim';
import { afterAll, beforeAll, expect, test } from 'vitest';

// Returns the address that it sees, and the length of the body.
const server = `
  const { createServer } = require('node:http');
  const server = createServer(async (request, response) => {
    let length = 0;
    for await (const chunk of request) length += chunk.length;
    response.end(request.socket.remoteAddress + ' ' + length);
  });
  server.listen(0, '127.0.0.1', () => console.log(server.address().port));
`;

let child: ChildProcess;
let port: number;
let network: PodNetwork;

beforeAll(async () => {
  const preload = new URL('pod-address-preload.ts', import.meta.url).href;
  child = spawn(process.execPath, ['--import', preload, '--eval', server], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  const [line] = (await once(createInterface({ input: child.stdout! }), 'line')) as [string];
  port = Number(line);
  network = createPodNetwork({ hasOneAddress: true });
});
afterAll(async () => {
  await network.close();
  child.kill();
});

const pathOf = (podAddress: string) =>
  network.openPodPath({ podAddress, target: { host: '127.0.0.1', port } });

test('pods that connect from one address are told apart, on each connection and for each request of it', async () => {
  for (const address of [network.podAddress(1), network.podAddress(2)]) {
    const { url } = await pathOf(address);
    expect(new URL(url).hostname).toBe('127.0.0.1');
    for (const body of ['', 'x'.repeat(300_000)]) {
      const response = await fetch(url, { method: 'POST', body });
      expect(await response.text()).toBe(`${address} ${body.length}`);
    }
  }
});

test('a line that arrives byte by byte is read, and what follows it is the request', async () => {
  const socket = connect(port, '127.0.0.1').setNoDelay();
  const answer = text(socket);
  for (const byte of 'PROXY TCP4 127.0.1.99 127.0.0.1 1 2\r\nGET / HTTP/1.0\r\n\r\n') {
    await new Promise((resolve) => socket.write(byte, resolve));
  }
  expect(await answer).toContain('127.0.1.99 0');
});

test('a connection without the line keeps its address', async () => {
  const response = await fetch(`http://127.0.0.1:${port}`);
  expect(await response.text()).toBe('127.0.0.1 0');
});
