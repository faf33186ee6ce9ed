import { distinctAssignedIdentityName } from '@pod-identity/crd-types';
import { expect, test } from 'vitest';
import { assigned, identity, pod, rules, snapshot } from '../../plan/test/builders.ts';
import type { AssignedView } from '../views.ts';
import { weighRecord } from './record-weight.ts';
import { indexOf, type ClusterSnapshot } from '../test/cluster-snapshot.ts';

const nothingTaken = { has: () => false };
const isExempt = (view: AssignedView, different: Partial<ClusterSnapshot> = {}, taken = nothingTaken) =>
  weighRecord(view, indexOf(snapshot(different), rules), taken).isExempt;
const distinctOf = (podUid: string, identityName = 'reader') =>
  distinctAssignedIdentityName({
    podNamespace: 'shop',
    podName: 'web-0',
    identityNamespace: 'default',
    identityName,
    podUid,
  });

test.each<[string, AssignedView]>([
  ['has the plain name', assigned()],
  [
    'has the plain name, whatever an editor put into it',
    assigned({ identity: { name: 'forged' }, name: 'web-0-shop-reader' }),
  ],
  ['has the distinct name of the pod', assigned({ name: distinctOf('uid-shop-web-0') })],
])('a record that a pod needs does not count in the share of its namespace: it %s', (_, view) => {
  expect(isExempt(view)).toBe(true);
});

test.each<[string, AssignedView, Partial<ClusterSnapshot>]>([
  ['its pod is gone', assigned(), { pods: [] }],
  ['its pod has finished', assigned(), { pods: [pod({ phase: 'Failed' })] }],
  ['its pod has no node', assigned(), { pods: [pod({ node: '' })] }],
  ['its pod gets nothing', assigned(), { bindings: [] }],
  ['it has another name', assigned({ name: 'forged' }), {}],
  ['it is in another namespace', assigned({ namespace: 'evil' }), {}],
  ['it has the distinct name of an earlier pod', assigned({ name: distinctOf('uid-old') }), {}],
  [
    'it has the distinct name, for another identity',
    assigned({ name: distinctOf('uid-shop-web-0'), identity: { name: 'other' } }),
    { identities: [identity(), identity({ name: 'other' })] },
  ],
])('a record counts where %s', (_, view, different) => {
  expect(isExempt(view, different)).toBe(false);
});

test('a record whose name MIC found taken does not count, so that MIC sees it', () => {
  const forged = assigned({ name: 'forged' });
  expect(isExempt(forged, {}, { has: (key?: string) => key === 'default/forged' })).toBe(true);
});

test('a record weighs what its texts take besides its own; those that are kept twice count twice', () => {
  const index = indexOf(snapshot(), rules);
  const weigh = (view: AssignedView) => weighRecord(view, index, nothingTaken).bytes ?? 0;
  const plain = weigh(assigned());
  expect(plain).toBeGreaterThan(1_500);
  for (const key of ['namespace', 'name', 'podNamespace', 'podName'] as const)
    expect(weigh({ ...assigned(), [key]: `${assigned()[key]}xxx` })).toBe(plain + 6);
  for (const key of ['uid', 'nodeName', 'identity', 'binding', 'resourceId'] as const)
    expect(weigh({ ...assigned(), [key]: `${assigned()[key]}xxx` })).toBe(plain + 3);
});
