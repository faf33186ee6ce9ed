import { distinctAssignedIdentityName } from '@pod-identity/crd-types';
import { expect, test } from 'vitest';
import { assigned, identity, pod, rules, snapshot } from './test/builders.ts';
import type { AssignedView } from '../snapshot/views.ts';
import { indexOf, type ClusterSnapshot } from '../snapshot/test/cluster-snapshot.ts';
import { isRecordNeeded } from './object-name.ts';

const isNeededIn = (view: AssignedView, different: Partial<ClusterSnapshot> = {}) =>
  isRecordNeeded(view, indexOf(snapshot(different), rules));
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
])('a record that a pod needs is kept: it %s', (_, view) => {
  expect(isNeededIn(view)).toBe(true);
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
])('a record is not needed where %s', (_, view, different) => {
  expect(isNeededIn(view, different)).toBe(false);
});
