import { createServer, request, type IncomingMessage, type Server } from 'node:http';
import { once } from 'node:events';
import { connect, createServer as createTcpServer, type AddressInfo } from 'node:net';
import { text } from 'node:stream/consumers';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { createPodNetwork, loopbackHasOneAddress, type PodNetwork } from './pod-network.ts';

const hasOneAddress = await loopbackHasOneAddress();
if (hasOneAddress)
  console.warn('tests of the pod network are skipped: loopback has only 127.0.0.1 here, as on macOS');
const testOfAddresses = test.skipIf(hasOneAddress);

describe('the pod network', () => {
  let network: PodNetwork;
  let target: Server;
  let port: number;

  beforeEach(async () => {
    network = createPodNetwork();
    target = createServer((message, response) => response.end(message.socket.remoteAddress));
    target.listen(0, '127.0.0.1');
    await once(target, 'listening');
    ({ port } = target.address() as AddressInfo);
  });
  afterEach(async () => {
    await network.close();
    target.closeAllConnections();
    target.close();
  });

  test('gives each node and each pod its own address', () => {
    expect([network.nodeAddress(1), network.nodeAddress(2)]).toEqual(['127.0.1.1', '127.0.2.1']);
    const pods = Array.from({ length: 600 }, () => network.podAddress(2));
    expect(pods.slice(0, 2)).toEqual(['127.0.2.10', '127.0.2.11']);
    expect(new Set([...pods, network.podAddress(1)]).size).toBe(601);
    expect(pods[244]).toBe('127.0.2.254');
    expect(pods[245]).toBe('127.1.2.10');
    for (const node of [0, 255, 1.5]) expect(() => network.nodeAddress(node)).toThrow(RangeError);
  });

  testOfAddresses('the target sees the address of the pod', async () => {
    const [one, two] = [network.podAddress(1), network.podAddress(1)];
    for (const podAddress of [one, two]) {
      const path = await network.openPodPath({ podAddress, target: { host: '127.0.0.1', port } });
      expect(path.url).toBe(`http://${podAddress}:${path.port}`);
      expect(await (await fetch(path.url)).text()).toBe(podAddress);
    }
  });

  test('with one address all listen on 127.0.0.1, and the first line of a connection names the pod', async () => {
    const one = createPodNetwork({ hasOneAddress: true });
    expect([one.nodeAddress(1), one.nodeAddress(2)]).toEqual(['127.0.0.1', '127.0.0.1']);
    expect([one.podAddress(1), one.podAddress(2)]).toEqual(['127.0.1.10', '127.0.2.10']);
    const lines = createTcpServer((socket) => socket.once('data', (line) => socket.end(line))).listen(0);
    await once(lines, 'listening');
    const { port } = lines.address() as AddressInfo;
    const podAddress = '127.0.2.10';
    const path = await one.openPodPath({ podAddress, target: { host: '127.0.0.1', port } });
    expect(path.url).toBe(`http://127.0.0.1:${path.port}`);
    expect(await text(connect(path.port, '127.0.0.1'))).toBe(`PROXY TCP4 127.0.2.10 127.0.0.1 1 ${port}\r\n`);
    await one.close();
    lines.close();
  });

  testOfAddresses('if the target is down, the connection of the pod is closed', async () => {
    const path = await network.openPodPath({
      podAddress: network.podAddress(1),
      target: { host: '127.0.0.1', port },
    });
    target.closeAllConnections();
    target.close();
    await expect(fetch(path.url)).rejects.toThrow();
  });

  testOfAddresses('closing ends open connections and the listener', async () => {
    const path = await network.openPodPath({
      podAddress: network.podAddress(1),
      target: { host: '127.0.0.1', port },
    });
    const call = request(path.url, { agent: false }).end();
    const [answer] = (await once(call, 'response')) as [IncomingMessage];
    answer.resume();
    await network.close();
    await path.close();
    await expect(fetch(path.url)).rejects.toThrow();
  });
});
