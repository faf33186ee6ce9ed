import { expect, test } from 'vitest';
import { readWorkload, versionOf } from './workload.ts';

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

const nmiOf = (container: object) => ({
  metadata: { namespace: 'a', name: 'nmi' },
  spec: { template: { spec: { containers: [{ image: 'r/nmi:0.1.0', ...container }] } } },
});

test('references in flags and variables are replaced as the kubelet does it', () => {
  const env = [
    { name: 'NODE', valueFrom: { fieldRef: { fieldPath: 'spec.nodeName' } } },
    { name: 'MODE', value: 'rbac' },
    { name: 'FLAG', value: '--identity-access=$(MODE)' },
  ];
  const found = readWorkload('DaemonSet', nmiOf({ env, args: ['$(FLAG)', '--node=$(NODE)', '$(OTHER)'] }));
  expect(found?.argv).toEqual(['--identity-access=rbac', '--node=(spec.nodeName)', '$(OTHER)']);
});

test('attack: variables that each repeat the one before take no more memory than they are written with', () => {
  const variables = Array.from({ length: 64 }, (_, at) => ({
    name: `V${at}`,
    value: at === 0 ? 'x'.repeat(1024) : `$(V${at - 1})`.repeat(2),
  }));
  const found = readWorkload('DaemonSet', nmiOf({ env: variables, args: ['--node=$(V63)'] }));
  const sizes = Object.values(found?.env ?? {}).map(({ length }) => length);
  expect(sizes.reduce((sum, size) => sum + size, 0)).toBeLessThan(1024 * 1024);
});

// Each takes minutes if the rest is scanned again for each beginning.
test.each([
  ['a flag', { args: [`--node=${'$('.repeat(500_000)}`] }],
  ['a variable', { env: [{ name: 'V', value: '$('.repeat(500_000) }] }],
  ['an image', { image: `r/nmi${'@:a'.repeat(300_000)}\nx`, command: ['/nmi'] }],
])('attack: %s with many beginnings of references is scanned in linear time', (_, container) => {
  expect(readWorkload('DaemonSet', nmiOf(container))).toMatchObject({ role: 'nmi', name: 'nmi' });
});

test.each([
  ['r.test:5000/aad/nmi:0.1.0', '0.1.0'],
  ['r.test:5000/aad/nmi:0.1.0@sha256:0123456789abcdef', '0.1.0'],
  ['r.test:5000/aad/nmi@sha256:0123456789abcdef', '0123456789ab'],
  ['nmi', ''],
])('the version of image %s is %j', (image, version) => {
  expect(versionOf(image)).toBe(version);
});
