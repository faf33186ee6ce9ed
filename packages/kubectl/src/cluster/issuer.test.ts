import { KubeError } from '@pod-identity/kit/kube';
import { expect, test } from 'vitest';
import type { ClusterReader } from './lists.ts';
import { readIssuer } from './issuer.ts';

const failing = (signal: AbortSignal): ClusterReader =>
  ({
    signal,
    kube: { request: () => Promise.reject(new KubeError('transport', 'the response is not JSON')) },
  }) as unknown as ClusterReader;

test('a page that a proxy returns in place of the configuration of OpenID Connect ends no command', async () => {
  expect(await readIssuer(failing(new AbortController().signal))).toBeUndefined();
});

test('the deadline of the command ends it here too', async () => {
  await expect(readIssuer(failing(AbortSignal.abort()))).rejects.toThrow('the response is not JSON');
});
