import { expect, test, vi } from 'vitest';
import { createAddresses } from './addresses.ts';

vi.mock('node:os', () => ({
  networkInterfaces: () => ({ eth0: [{ address: '10.0.0.4' }], veth0: [{ address: 'fe80::4' }] }),
}));

test.each([
  ['the node, from which the kubelet probes, has no limit', '10.0.0.4', 100],
  [
    'attack: a pod takes the link-local address of another interface of the node: it has a limit',
    'fe80::4',
    5,
  ],
])('%s', (_, peer, wanted) => {
  const addresses = createAddresses({ requestsPerSecond: 1, connections: 100 });
  expect(Array.from({ length: 100 }, () => addresses.admit(peer, 0)).filter(Boolean)).toHaveLength(wanted);
});
