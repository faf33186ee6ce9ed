import { networkInterfaces } from 'node:os';
import { expect, test, vi } from 'vitest';
import { createAddresses } from './addresses.ts';

vi.mock('node:os', () => ({
  networkInterfaces: vi.fn(() => ({ eth0: [{ address: '10.0.0.4' }], veth0: [{ address: 'fe80::4' }] })),
}));

const start = () => {
  const addresses = createAddresses({ requestsPerSecond: 1, connections: 100 });
  const admitted = (peer: string, now: number) =>
    Array.from({ length: 100 }, () => addresses.admit(peer, now)).filter(Boolean).length;
  return admitted;
};

test.each([
  ['the node, from which the kubelet probes, has no limit', '10.0.0.4', 100],
  [
    'attack: a pod takes the link-local address of another interface of the node: it has a limit',
    'fe80::4',
    5,
  ],
])('%s', (_, peer, wanted) => {
  expect(start()(peer, 0)).toBe(wanted);
});

test('attack: pods open connections until no file is left to read the addresses of the node: those known stay', () => {
  const admitted = start();
  admitted('10.0.0.4', 0);
  vi.mocked(networkInterfaces).mockImplementationOnce(() => {
    throw new Error('uv_interface_addresses: EMFILE');
  });
  expect([admitted('10.0.0.4', 10_000), admitted('10.0.0.5', 10_000)]).toEqual([100, 5]);
});
