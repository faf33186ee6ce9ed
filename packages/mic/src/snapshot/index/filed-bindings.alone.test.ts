import { apiVersion, selectsPod, type AzureIdentityBinding, type PodFacts } from '@pod-identity/crd-types';
import { expect, test, vi } from 'vitest';
import { FiledBindings } from './filed-bindings.ts';

function binding(name: string, podSelector: object): AzureIdentityBinding {
  return {
    apiVersion,
    kind: 'AzureIdentityBinding',
    metadata: { namespace: 'shop', name },
    spec: { azureIdentity: 'reader', selector: '', podSelector },
  };
}

vi.mock(import('@pod-identity/crd-types'), async (load) => {
  const types = await load();
  return { ...types, selectsPod: vi.fn(types.selectsPod) };
});

const pod = (app: string): PodFacts => ({
  namespace: 'shop',
  labels: { app, product: 'shop', zone: 'one' },
  serviceAccount: 'default',
});

test.each<[string, (index: number) => object]>([
  ['one label each', (index) => ({ matchLabels: { app: `web-${index}` } })],
  [
    'a label that all have beside one that tells them apart',
    (index) => ({ matchLabels: { product: 'shop', zone: 'one', app: `web-${index}` } }),
  ],
  [
    'a label that all have, and values',
    (index) => ({
      matchLabels: { product: 'shop' },
      matchExpressions: [{ key: 'app', operator: 'In', values: [`web-${index}`, `api-${index}`] }],
    }),
  ],
])('of a thousand bindings by %s a pod is held against few', (_, selectorOf) => {
  const all = Array.from({ length: 1_000 }, (__, index) => binding(`b${index}`, selectorOf(index)));
  const filed = new FiledBindings(all);
  vi.mocked(selectsPod).mockClear();
  expect(filed.selecting(pod('web-500')).map(({ metadata }) => metadata.name)).toEqual(['b500']);
  expect(vi.mocked(selectsPod).mock.calls.length).toBeLessThan(10);
});

test('of bindings that ask for nothing that a pod must have, no more are looked at than count', () => {
  const without = { matchExpressions: [{ key: 'x', operator: 'DoesNotExist' }] };
  const name = (index: number) => `b${String(index).padStart(3, '0')}`;
  const filed = new FiledBindings(
    Array.from({ length: 300 }, (_, index) => binding(name(299 - index), without)),
  );
  vi.mocked(selectsPod).mockClear();
  const selecting = filed.selecting(pod('web'));
  expect(selecting).toHaveLength(100);
  expect(vi.mocked(selectsPod).mock.calls.length).toBe(100);
  const counted = filed.withoutSelector(selecting).map(({ metadata }) => metadata.name);
  expect(counted).toEqual(Array.from({ length: 101 }, (_, index) => name(index)));
});

test('bindings of both sorts select a pod, and those without a selector are passed on for matching', () => {
  const all = [
    binding('a', { matchLabels: { app: 'web' } }),
    binding('b', { matchExpressions: [{ key: 'x', operator: 'DoesNotExist' }] }),
    binding('c', { matchLabels: { app: 'api' } }),
  ];
  const filed = new FiledBindings(all);
  expect(filed.isEmpty).toBe(false);
  expect(filed.selecting(pod('web'))).toEqual(all.slice(0, 2));
  expect(new Set(filed.withoutSelector(all.slice(0, 2)))).toEqual(new Set(all.slice(0, 2)));
  expect(new FiledBindings([]).isEmpty).toBe(true);
});
