import { describe, expect, it, test } from 'vitest';
import { exception, pod, viewOf } from '../../test/builders.ts';
import { readConfig } from '../config/config.ts';
import { exemptionOf, invalidExceptionFor } from './exception.ts';
import type { InvalidException } from './types.ts';

function rulesOf(...argv: string[]) {
  const reading = readConfig({ argv: ['--node=n1', ...argv], env: {} });
  if (reading.kind !== 'config') throw new Error(JSON.stringify(reading));
  return reading.config;
}

test.each(['aad-pod-id-mic-service-account', 'mic', ''])(
  'a pod of any namespace whose service account is called %j is not exempt by default',
  (serviceAccount) => {
    for (const namespace of ['default', 'aad-pod-identity', 'kube-system', '']) {
      const called = pod({
        namespace,
        serviceAccount,
        name: 'mic-1',
        labels: { app: 'mic', component: 'mic' },
      });
      expect(exemptionOf(called, viewOf({}).view, rulesOf())).toBeUndefined();
      expect(exemptionOf(called, viewOf({}).view, rulesOf('--MICNamespace', namespace))).toBeUndefined();
    }
  },
);

test('the labels of a pod are read once, however many exceptions its namespace has', () => {
  let reads = 0;
  const asking = Object.defineProperty(pod(), 'labels', {
    get: () => {
      reads += 1;
      return { app: 'web' };
    },
  });
  const exceptions = Array.from({ length: 1_000 }, (_, index) => exception({ app: `other-${index}` }));
  expect(exemptionOf(asking, viewOf({ exceptions }).view, rulesOf())).toBeUndefined();
  expect(reads).toBe(1);
});

describe('the exception that is told to a pod, since it is not valid', () => {
  const invalid = (name: string, podLabels?: Record<string, string>): InvalidException => ({
    namespace: 'default',
    name,
    fault: 'spec.clientIDs must be a list of strings',
    ...(podLabels && { podLabels }),
  });
  const told = (invalidExceptions: readonly InvalidException[], ...argv: string[]) =>
    invalidExceptionFor(pod({ labels: { app: 'Web' } }), viewOf({ invalidExceptions }).view, rulesOf(...argv))
      ?.name;

  it.each<[string, readonly InvalidException[], string | undefined]>([
    ['none', [], undefined],
    ['one with a label of the pod', [invalid('a', { app: 'web' })], 'a'],
    ['one for other pods', [invalid('a', { app: 'cni' })], undefined],
    ['one for no pod', [invalid('a', {})], undefined],
    ['one whose labels are not known', [invalid('a')], 'a'],
    ['the first by name', [invalid('c'), invalid('a'), invalid('b')], 'a'],
    ['one with a label of the pod before the others', [invalid('a'), invalid('b', { app: 'web' })], 'b'],
    ['one of another namespace', [{ ...invalid('a'), namespace: 'shop' }], undefined],
  ])('is %s', (_, all, expected) => {
    expect(told(all)).toBe(expected);
  });

  it('is none in a namespace where no exception counts, unless the right on the machine decides', () => {
    const all = [invalid('a')];
    expect(told(all, '--exception-namespaces=kube-system')).toBeUndefined();
    expect(told(all, '--exception-namespaces=kube-system,default')).toBe('a');
    expect(told(all, '--exception-namespaces=kube-system', '--identity-access=rbac')).toBe('a');
  });
});
