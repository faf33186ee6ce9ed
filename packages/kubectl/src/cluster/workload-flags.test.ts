import { expect, test } from 'vitest';
import { readWorkload } from './workload.ts';

const brokerOf = (args: readonly string[], command?: readonly string[]) => ({
  metadata: { namespace: 'b', name: 'broker' },
  spec: {
    replicas: 2,
    template: {
      spec: { containers: [{ image: 'r/aad-pod-identity/nmi:0.1.0', ...(command && { command }), args }] },
    },
  },
});

test.each([
  ['by its image', brokerOf(['broker', '--broker-agent=aad-pod-identity/nmi'])],
  ['by its command', brokerOf(['broker', '--broker-agent=a/nmi', '--x=/nmi.js'], ['node', '/app/nmi.js'])],
])('a flag that ends like a program is none: the broker is found %s', (_, object) => {
  const found = readWorkload('Deployment', object);
  expect(found).toMatchObject({ role: 'broker', name: 'broker' });
  expect(found?.argv[0]).toBe('broker');
});
