import { KubeError, subjectOf, type KubeTransport } from '@pod-identity/kit/kube';
import { useRight } from '@pod-identity/policy';
import { describe, expect, it } from 'vitest';
import { openRights } from './rights.ts';

type Reply = (body: unknown) => unknown;
const denied: Reply = () => {
  throw new KubeError('denied', 'is forbidden');
};
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

describe('rights are told', () => {
  it('by the API server, if the user may ask it', async () => {
    const isWeb = (user: string) => user.endsWith(':web');
    const rights = await open({ subjectaccessreviews: reviewOf(isWeb) });
    expect(rights).toMatchObject({ source: 'reviews', allowsAnybody: false, notes: [] });
    expect(await rights.reviewer.review(ask)).toBe(true);
  });

  it('with a warning, if it refuses no one', async () => {
    const rights = await open({ subjectaccessreviews: reviewOf(() => true) });
    expect(rights).toMatchObject({ allowsAnybody: true, notes: [expect.stringContaining('refuses no one')] });
  });

  it('by nobody, if the user may not ask it', async () => {
    const rights = await open({ subjectaccessreviews: denied });
    expect(rights).toMatchObject({ source: 'none' });
    await expect(rights.reviewer.review(ask)).rejects.toMatchObject({ code: 'denied' });
  });

  it('not at all, if the API server fails', async () => {
    const broken: Reply = () => {
      throw new KubeError('unavailable', 'etcd is away');
    };
    await expect(open({ subjectaccessreviews: broken })).rejects.toThrow('etcd is away');
  });
});
