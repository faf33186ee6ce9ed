import { KubeError, type AccessReviewer } from '@pod-identity/kit/kube';
import { expect, it } from 'vitest';
import { PairRegistry } from '../access/pair-registry.ts';
import { skipsOf } from '../plan/desired.ts';
import { binding, identity, node, pod, resourceIdOf } from '../plan/test/builders.ts';
import { ClusterIndex } from '../snapshot/index/cluster-index.ts';
import type { AccessGroup } from '../snapshot/index/rights.ts';
import { reviewRights } from './review-rights.ts';

async function review(answer: AccessReviewer['review']) {
  const registry = new PairRegistry<AccessGroup>({ pairsPerNamespace: 10, recheckMs: Infinity });
  const index = new ClusterIndex({ forceNamespaced: true }, { mode: 'rbac', registry });
  const namespace = 'shop';
  const spec = { type: 0, resourceID: resourceIdOf('reader') };
  const [of, by] = [identity({ namespace, spec }), binding({ namespace })];
  index.apply({ kind: 'node', key: 'node-0', view: node() });
  index.apply({ kind: 'identity', key: of.key, view: of });
  index.apply({ kind: 'binding', key: by.key, view: by });
  index.apply({ kind: 'pod', key: 'shop/web-0', view: pod({ serviceAccount: 'web' }) });
  const isOpen = await reviewRights({
    index,
    registry,
    reviewer: { review: answer },
    subject: { namespace: 'shop', name: 'web' },
    now: 0,
    signal: new AbortController().signal,
  });
  return { isOpen, skips: skipsOf(index, 'shop/web-0').map(({ reason }) => reason) };
}

const isStranger = ({ subject: { user } }: Parameters<AccessReviewer['review']>[0]) =>
  user.includes('invented');

it('a right that is granted, where an invented user has none', async () => {
  const answer = await review((request) => Promise.resolve(!isStranger(request)));
  expect(answer).toEqual({ isOpen: false, skips: [] });
});

it('attack: an API server that allows everybody grants no right, as for MIC', async () => {
  const answer = await review(() => Promise.resolve(true));
  expect(answer).toEqual({ isOpen: true, skips: ['access-unknown'] });
});

it('no answer about anybody is none about the pod', async () => {
  const answer = await review(() => Promise.reject(new KubeError('unavailable', 'away')));
  expect(answer).toEqual({ isOpen: false, skips: ['access-unknown'] });
});
