import { KubeError, subjectOf, type KubeTransport } from '@pod-identity/kit/kube';
import { useRight } from '@pod-identity/policy';
import { describe, expect, it } from 'vitest';
import { openRights } from './rights.ts';

type Reply = (body: unknown) => unknown;
const denied: Reply = () => {
  throw new KubeError('denied', 'is forbidden');
};
const role = {
  metadata: { name: 'r' },
  rules: [{ apiGroups: ['*'], resources: ['*'], verbs: ['use'], resourceNames: ['x'] }],
};
const binding = {
  metadata: { name: 'b' },
  roleRef: { kind: 'ClusterRole', name: 'r' },
  subjects: [{ kind: 'ServiceAccount', namespace: 'shop', name: 'web' }],
};
const listOf =
  (item: object): Reply =>
  () => ({ metadata: {}, items: [item] });
const reviewOf =
  (allows: (user: string) => boolean): Reply =>
  (body) => {
    const { spec } = body as { readonly spec: { readonly user: string } };
    return { kind: 'SubjectAccessReview', status: { allowed: allows(spec.user) } };
  };

/** By the last part of the path. */
function open(replies: Readonly<Record<string, Reply>>) {
  const kube: KubeTransport = {
    server: '',
    close: () => Promise.resolve(),
    watch: () => {
      throw new TypeError('not used');
    },
    // What it throws is a rejection.
    request: ({ path, body }) =>
      new Promise((resolve) => resolve(replies[path.split('/').at(-1) ?? '']?.(body))),
  };
  return openRights({ kube, signal: new AbortController().signal });
}
const ask = { ...useRight, subject: subjectOf('shop', 'web'), resource: 'managedidentities', name: 'x' };
const roles = { clusterroles: listOf(role), clusterrolebindings: listOf(binding) };

describe('rights are told', () => {
  it('by the API server, if the user may ask it', async () => {
    const isWeb = (user: string) => user.endsWith(':web');
    const rights = await open({ ...roles, subjectaccessreviews: reviewOf(isWeb) });
    expect(rights).toMatchObject({ source: 'reviews', allowsAnybody: false, notes: [] });
    expect(await rights.reviewer.review(ask)).toBe(true);
  });

  it('with a warning, if it refuses no one', async () => {
    const rights = await open({ ...roles, subjectaccessreviews: reviewOf(() => true) });
    expect(rights).toMatchObject({ allowsAnybody: true, notes: [expect.stringContaining('refuses no one')] });
  });

  it('by the roles, if the user may list them only', async () => {
    const rights = await open({ ...roles, subjectaccessreviews: denied });
    expect(rights).toMatchObject({ source: 'grants', notes: [expect.stringContaining('other authorizers')] });
    expect(await rights.reviewer.review(ask)).toBe(true);
    expect(await rights.reviewer.review({ ...ask, name: 'y' })).toBe(false);
  });

  it('by nobody, if the user may do neither', async () => {
    const rights = await open({ clusterroles: denied, subjectaccessreviews: denied });
    expect(rights).toMatchObject({ source: 'none', grants: undefined });
    await expect(rights.reviewer.review(ask)).rejects.toMatchObject({ code: 'denied' });
  });

  it('not at all, if the API server fails', async () => {
    const broken: Reply = () => {
      throw new KubeError('unavailable', 'etcd is away');
    };
    await expect(open({ ...roles, subjectaccessreviews: broken })).rejects.toThrow('etcd is away');
  });
});
