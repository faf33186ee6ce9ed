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
  const filed = new FiledBindings();
  for (let index = 0; index < 1_000; index += 1) filed.add(binding(`b${index}`, selectorOf(index)));
  vi.mocked(selectsPod).mockClear();
  expect(filed.selecting(pod('web-500')).map(({ metadata }) => metadata.name)).toEqual(['b500']);
  expect(vi.mocked(selectsPod).mock.calls.length).toBeLessThan(10);
});

test('of bindings that ask for nothing that a pod must have, no more are looked at than count', () => {
  const filed = new FiledBindings();
  const without = { matchExpressions: [{ key: 'x', operator: 'DoesNotExist' }] };
  for (let index = 0; index < 300; index += 1)
    filed.add(binding(`b${String(index).padStart(3, '0')}`, without));
  vi.mocked(selectsPod).mockClear();
  expect(filed.selecting(pod('web'))).toHaveLength(100);
  expect(vi.mocked(selectsPod).mock.calls.length).toBe(100);
  expect(filed.broad.map(({ metadata }) => metadata.name).slice(-1)).toEqual(['b100']);
});

test('what was removed selects nothing, and leaves nothing behind', () => {
  const filed = new FiledBindings();
  const all = [
    binding('a', { matchLabels: { app: 'web' } }),
    binding('b', { matchExpressions: [{ key: 'x', operator: 'DoesNotExist' }] }),
  ];
  all.forEach((one) => filed.add(one));
  expect(filed.isEmpty).toBe(false);
  expect(filed.selecting(pod('web'))).toEqual(all);
  all.forEach((one) => filed.remove(one));
  expect(filed.selecting(pod('web'))).toEqual([]);
  expect(filed.isEmpty).toBe(true);
});
