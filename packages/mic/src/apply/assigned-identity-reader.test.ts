import type { KubeRequest, KubeTransport } from '@pod-identity/kit/kube';
import { KubeError } from '@pod-identity/kit/kube';
import { expect, test } from 'vitest';
import { rawBinding, rawIdentity } from '../plan/test/builders.ts';
import { createAssignedIdentityReader } from './assigned-identity-reader.ts';

const raw = (name: string) => ({
  metadata: { name, namespace: 'default', uid: name, resourceVersion: '7' },
  spec: {
    azureIdentityRef: rawIdentity(),
    azureBindingRef: rawBinding(),
    pod: 'web-0',
    podNamespace: 'shop',
    nodename: 'node-0',
  },
  status: { status: 'Assigned' },
});

function setUp(answer: (request: KubeRequest) => unknown) {
  const requests: KubeRequest[] = [];
  const transport = {
    request(request: KubeRequest) {
      requests.push(request);
      return Promise.resolve().then(() => answer(request));
    },
  } as unknown as KubeTransport;
  return { requests, reader: createAssignedIdentityReader(transport) };
}
const { signal } = new AbortController();

test('reads pages of 50: the API server makes a whole page of objects of up to 1.5 MB before it sends it', async () => {
  const { reader, requests } = setUp(({ query }) =>
    query?.['continue'] === undefined
      ? { items: [raw('a'), { metadata: {} }], metadata: { continue: 'next' } }
      : { items: [raw('b')], metadata: {} },
  );
  const pages: string[][] = [];
  for await (const page of reader.pages(signal)) pages.push(page.map(({ name }) => name));
  expect(pages).toEqual([['a'], ['b']]);
  expect(requests.map(({ query }) => query?.['limit'])).toEqual(['50', '50']);
});

test('reads one object', async () => {
  const { reader, requests } = setUp(() => raw('a'));
  expect(await reader.get('default/a', signal)).toMatchObject({ name: 'a', state: 'Assigned' });
  expect(requests[0]?.path).toBe(
    '/apis/aadpodidentity.k8s.io/v1/namespaces/default/azureassignedidentities/a',
  );
});

test.each([
  ['one that is missing is none', new KubeError('not-found', 'gone'), undefined],
  ['one without a name is of an unknown pod', { metadata: {} }, 'unreadable'],
])('%s', async (_what, answer, found) => {
  const { reader } = setUp(() => {
    if (answer instanceof Error) throw answer;
    return answer;
  });
  expect(await reader.get('default/a', signal)).toBe(found);
});

test('other failures are thrown', async () => {
  const { reader } = setUp(() => {
    throw new KubeError('denied', 'no');
  });
  await expect(reader.get('default/a', signal)).rejects.toThrow('no');
});
