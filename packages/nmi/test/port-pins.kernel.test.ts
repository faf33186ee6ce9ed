// NMI's ports beside the genuine plug-in that implements `hostPort`, in network namespaces of their own.
import { existsSync } from 'node:fs';
import { createLog, systemClock } from '@pod-identity/kit/serve';
import { afterEach, describe, expect, it } from 'vitest';
import { keepPortPins, removePortPins } from '../src/redirect/port-pins.ts';
import { createWorld, whyNoNamespaces, type World } from './redirect/namespaces.ts';

const plugin = '/usr/lib/cni/portmap';
const skipped = whyNoNamespaces() ?? (existsSync(plugin) ? undefined : `${plugin} is not there`);
if (skipped !== undefined) console.warn(`port-pins.kernel.test.ts is skipped: ${skipped}`);

const worlds: World[] = [];
const stops: AbortController[] = [];
afterEach(async () => {
  stops.splice(0).forEach((stop) => stop.abort());
  await Promise.all(worlds.splice(0).map((world) => world.end()));
});

/** The fabric of the world stands for the Pod that has the `hostPort`. */
const thief = { host: '10.8.0.2', port: 8_000 };
const loopback = { host: '127.0.0.1', port: 2_579 };
const nodeAddress = { host: '10.9.0.1', port: 2_579 };

/** As containerd calls it after the plug-in that made the Pod's interface. */
const addHostPort = ({ run }: World, hostPort: number) =>
  run(
    'env',
    [
      ...['CNI_COMMAND=ADD', 'CNI_CONTAINERID=thief', 'CNI_NETNS=/run/netns/thief', 'CNI_IFNAME=eth0'],
      ...['CNI_PATH=/usr/lib/cni', plugin],
    ],
    JSON.stringify({
      cniVersion: '0.4.0',
      name: 'kit',
      type: 'portmap',
      capabilities: { portMappings: true },
      runtimeConfig: { portMappings: [{ hostPort, containerPort: thief.port, protocol: 'tcp' }] },
      prevResult: {
        cniVersion: '0.4.0',
        interfaces: [{ name: 'eth0', sandbox: '/run/netns/thief' }],
        ips: [{ version: '4', address: `${thief.host}/24`, interface: 0 }],
      },
    }),
  );

async function open() {
  const world = createWorld('beyond the node');
  worlds.push(world);
  await world.serve('IMDS', thief);
  for (const at of [loopback, nodeAddress]) await world.serve('pod-identity-nmi', at);
  const answer = (address: string) =>
    world.sh(`curl -s -m 10 http://${address}:2579 || true`).split(' ')[0] ?? '';
  const pod = await world.caller(nodeAddress);
  return {
    world,
    byNode: () => [answer('127.0.0.1'), answer('10.9.0.1')],
    byPod: async () => (await pod.say('new')).split(' ')[0],
  };
}

async function pin(world: World): Promise<void> {
  const stop = new AbortController();
  stops.push(stop);
  const log = createLog({ component: 'nmi', destination: { write: () => undefined } });
  const sockets = [loopback, nodeAddress];
  void keepPortPins({ sockets, everyMs: 50, run: world.run, clock: systemClock, log }, stop.signal);
  await expect
    .poll(() => world.sh('nft list table ip aad_pod_identity_ports 2>&1 || true'))
    .toContain('10.9.0.1');
}

const ours = 'pod-identity-nmi';

describe.skipIf(skipped !== undefined)('a Pod with the hostPort of NMI', () => {
  it('gets the calls of pods and of the node where NMI does not keep its ports', async () => {
    const { world, byNode, byPod } = await open();
    expect([...byNode(), await byPod()]).toEqual([ours, ours, ours]);
    await addHostPort(world, 2_579);
    expect([...byNode(), await byPod()]).toEqual(['IMDS', 'IMDS', 'IMDS']);
  });

  it.each(['before', 'after'])('gets none, if it was started %s NMI', async (when) => {
    const { world, byNode, byPod } = await open();
    if (when === 'before') await addHostPort(world, 2_579);
    await pin(world);
    if (when === 'after') await addHostPort(world, 2_579);
    expect([...byNode(), await byPod()]).toEqual([ours, ours, ours]);
  });

  it('keeps its other ports, and gets this one too when NMI is removed', async () => {
    const { world, byNode } = await open();
    await pin(world);
    await addHostPort(world, 2_580);
    expect(world.sh('curl -s -m 10 http://10.9.0.1:2580')).toMatch(/^IMDS /);
    await addHostPort(world, 2_579);
    stops.splice(0).forEach((stop) => stop.abort());
    expect(byNode()).toEqual([ours, ours]);
    await expect.poll(() => removePortPins(world.run)).toBe(false);
    expect(byNode()).toEqual(['IMDS', 'IMDS']);
  });
});
