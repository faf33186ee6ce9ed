import { expect, test } from 'vitest';
import { coreKinds } from './kinds.ts';
import { createResource } from './resource.ts';
import type { KubeRequest, KubeTransport } from './transport.ts';

const sent: KubeRequest[] = [];
const transport: KubeTransport = {
  request: (request) => {
    sent.push(request);
    return Promise.resolve({});
  },
  watch: () => {
    throw new Error('not used');
  },
  server: 'https://api.test',
  close: () => Promise.resolve(),
};

test('a dry run of a deletion is said in its body, since the API server ignores the query beside one', async () => {
  const key = { namespace: 'shop', name: 'web' };
  await createResource(transport, coreKinds.pods).delete(key, { isDryRun: true, resourceVersion: '7' });
  expect(sent.at(-1)?.body).toMatchObject({ dryRun: ['All'], preconditions: { resourceVersion: '7' } });
});

test('other dry runs are said in the query', async () => {
  const pods = createResource<object>(transport, coreKinds.pods);
  const metadata = { namespace: 'shop', name: 'web' };
  await pods.create({ metadata }, { isDryRun: true });
  await pods.patch(metadata, { spec: {} }, { isDryRun: true });
  expect(sent.slice(-2).map(({ query }) => query)).toEqual([{ dryRun: 'All' }, { dryRun: 'All' }]);
});
