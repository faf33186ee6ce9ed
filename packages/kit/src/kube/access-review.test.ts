import { describe, expect, test } from 'vitest';
import { createAccessReviewer, subjectOf } from './access-review.ts';
import { KubeError } from './errors.ts';
import type { KubeRequest, KubeTransport } from './transport.ts';

const question = {
  subject: subjectOf('pay', 'web'),
  verb: 'use',
  group: 'azure.example',
  resource: 'managedidentities',
  name: '/subscriptions/s',
};

function reviewerOver(response: (request: KubeRequest) => unknown) {
  const requests: KubeRequest[] = [];
  const transport: KubeTransport = {
    server: 'scripted',
    close: () => Promise.resolve(),
    watch: () => {
      throw new Error('no watches here');
    },
    async request(request) {
      requests.push(request);
      return await response(request);
    },
  };
  return { reviewer: createAccessReviewer(transport), requests };
}

const reviewed = (status: unknown) => ({ kind: 'SubjectAccessReview', spec: {}, status });

describe('a review', () => {
  test('names the ServiceAccount with its groups, in the whole cluster, with a timeout', async () => {
    const { reviewer, requests } = reviewerOver(() => reviewed({ allowed: true }));
    await reviewer.review(question, AbortSignal.timeout(60_000));
    expect(requests).toMatchObject([
      {
        method: 'POST',
        path: '/apis/authorization.k8s.io/v1/subjectaccessreviews',
        timeoutMs: 5_000,
        signal: expect.any(AbortSignal),
      },
    ]);
    expect(requests[0]?.body).toEqual({
      apiVersion: 'authorization.k8s.io/v1',
      kind: 'SubjectAccessReview',
      spec: {
        user: 'system:serviceaccount:pay:web',
        groups: ['system:serviceaccounts', 'system:serviceaccounts:pay', 'system:authenticated'],
        resourceAttributes: {
          verb: 'use',
          group: 'azure.example',
          resource: 'managedidentities',
          name: '/subscriptions/s',
        },
      },
    });
  });

  test('without a subject it is of whoever asks, and of a namespace and a subresource if they are named', async () => {
    const { reviewer, requests } = reviewerOver(() => ({
      ...reviewed({ allowed: true }),
      kind: 'SelfSubjectAccessReview',
    }));
    const right = { verb: 'create', group: '', resource: 'pods', subresource: 'exec', namespace: 'pay' };
    expect(await reviewer.review(right)).toBe(true);
    expect(requests[0]?.path).toBe('/apis/authorization.k8s.io/v1/selfsubjectaccessreviews');
    expect(requests[0]?.body).toMatchObject({
      kind: 'SelfSubjectAccessReview',
      spec: { resourceAttributes: right },
    });
    await expect(reviewer.review({ ...right, subject: subjectOf('pay', 'web') })).rejects.toThrow(
      'no SubjectAccessReview',
    );
  });

  test.each([
    [true, { allowed: true }],
    [true, { allowed: true, reason: 'RBAC: allowed', evaluationError: 'some role is gone' }],
    [false, { allowed: false }],
    [false, { allowed: false, denied: true }],
    [false, { allowed: false, evaluationError: 'clusterrole "x" not found' }],
  ])('says %s when the status is %j', async (verdict, status) => {
    const { reviewer } = reviewerOver(() => reviewed(status));
    expect(await reviewer.review(question)).toBe(verdict);
  });

  test.each([
    ['nothing', undefined],
    ['null', null],
    ['a text', 'allowed'],
    ['a list', [reviewed({ allowed: true })]],
    ['a review without a status', reviewed(undefined)],
    ['a status without a verdict', reviewed({})],
    ['a verdict that is a text', reviewed({ allowed: 'true' })],
    ['a verdict that is a number', reviewed({ allowed: 1 })],
    ['a verdict that is null', reviewed({ allowed: null })],
    ['both verdicts', reviewed({ allowed: true, denied: true })],
    ['a verdict in another place', { kind: 'SubjectAccessReview', allowed: true }],
    ['another kind', { kind: 'SelfSubjectAccessReview', status: { allowed: true } }],
    ['no kind', { status: { allowed: true } }],
  ])('is not answered by %s', async (_, response) => {
    const { reviewer } = reviewerOver(() => response);
    await expect(reviewer.review(question)).rejects.toMatchObject({ name: 'KubeError', code: 'invalid' });
  });

  test.each(['denied', 'throttled', 'unavailable', 'transport', 'aborted'] as const)(
    'is not answered when the request ends as %s',
    async (code) => {
      const error = new KubeError(code, 'no');
      const { reviewer } = reviewerOver(() => Promise.reject(error));
      await expect(reviewer.review(question)).rejects.toBe(error);
    },
  );
});
