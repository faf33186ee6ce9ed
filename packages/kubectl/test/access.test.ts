import { expect, test } from 'vitest';
import { openSim, plugIn } from './fixture.ts';

test('access: where the API server refuses no one, a right counts for nothing', async () => {
  const { sim, kubeconfig } = await openSim();
  const body = { kind: 'SubjectAccessReview', status: { allowed: true } };
  sim.kube.faults.add({ match: { path: /subjectaccessreviews/ }, then: { status: 201, body } });
  const id =
    '/subscriptions/00000000-0000-0000-0000-00000000000a/resourcegroups/g/providers/Microsoft.ManagedIdentity/userAssignedIdentities/reader';
  const { code, err } = await plugIn(['access', 'pay/web', id, '--kubeconfig', kubeconfig]);
  expect([code, err]).toEqual([1, expect.stringContaining('AlwaysAllow')]);
});
