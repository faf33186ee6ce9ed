import { expect } from 'vitest';
import { pod, sources, type Row, type Stage } from './row.ts';

const { tokens } = sources;
const audience = 'api://of-a-test';
const extra = {
  'authentication.kubernetes.io/pod-name': ['bound'],
  'authentication.kubernetes.io/pod-uid': [expect.any(String) as unknown],
};
const doesNotLook = { 'v1.36': 'of the kit does not look at the pod that a token is bound to' };

async function requestToken({ door, core }: Stage, spec: object): Promise<{ status: number; token: string }> {
  const body = { apiVersion: 'authentication.k8s.io/v1', kind: 'TokenRequest', spec };
  const answer = await door.ask('POST', `${core}/serviceaccounts/web/token`, { body });
  const { token = '' } = (answer.status === 201 ? answer.body.status : {}) as { readonly token?: string };
  return { status: answer.status, token };
}

async function review({ door }: Stage, token: string, audiences: readonly string[] = [audience]) {
  const body = { apiVersion: 'authentication.k8s.io/v1', kind: 'TokenReview', spec: { token, audiences } };
  const answer = await door.ask('POST', '/apis/authentication.k8s.io/v1/tokenreviews', { body });
  expect(answer.status).toBe(201);
  return answer.body.status as unknown as Readonly<Record<string, unknown>>;
}

/** The pod `bound` of the ServiceAccount `web`; returns its uid. */
async function createBoth({ door, core }: Stage): Promise<string> {
  const metadata = { name: 'web' };
  const body = { apiVersion: 'v1', kind: 'ServiceAccount', metadata };
  await door.ask('POST', `${core}/serviceaccounts`, { body });
  const created = await door.ask('POST', `${core}/pods`, {
    body: pod('bound', { serviceAccountName: 'web' }),
  });
  return created.body.metadata.uid;
}

const to = (uid: string, name = 'bound') => ({ apiVersion: 'v1', kind: 'Pod', name, uid });

/** Tokens of ServiceAccounts. */
export const tokenRows: readonly Row[] = [
  {
    sentence: 'a token that is bound to a pod is reviewed with the account, the audience, and the pod',
    source: tokens,
    check: async (stage) => {
      const uid = await createBoth(stage);
      const { status, token } = await requestToken(stage, { audiences: [audience], boundObjectRef: to(uid) });
      expect(status).toBe(201);
      expect(await review(stage, token, ['another', audience])).toMatchObject({
        authenticated: true,
        audiences: [audience],
        user: {
          username: `system:serviceaccount:${stage.namespace}:web`,
          groups: expect.arrayContaining([`system:serviceaccounts:${stage.namespace}`]) as unknown,
          extra: { ...extra, 'authentication.kubernetes.io/pod-uid': [uid] },
        },
      });
    },
  },
  {
    sentence: 'a token for another audience, and one that was changed, are not authenticated',
    source: tokens,
    check: async (stage) => {
      await createBoth(stage);
      const { token } = await requestToken(stage, { audiences: ['another'] });
      const [head, , signature] = token.split('.');
      const payload = Buffer.from(JSON.stringify({ aud: [audience] })).toString('base64url');
      for (const given of [token, `${head}.${payload}.${signature}`, 'no token']) {
        expect((await review(stage, given))['authenticated'] ?? false).toBe(false);
      }
    },
  },
  {
    sentence: 'a token that is bound to no pod is reviewed without one',
    source: tokens,
    check: async (stage) => {
      await createBoth(stage);
      const { token } = await requestToken(stage, { audiences: [audience] });
      const { authenticated, user } = await review(stage, token);
      expect(authenticated).toBe(true);
      expect(user).not.toHaveProperty(['extra', 'authentication.kubernetes.io/pod-name']);
    },
  },
  {
    sentence: 'a token ends with its pod',
    source: tokens,
    unlike: { ...doesNotLook, 'v1.20': 'reviews by a cache that ends a moment later' },
    check: async (stage) => {
      const { door, core } = stage;
      const uid = await createBoth(stage);
      const { token } = await requestToken(stage, { audiences: [audience], boundObjectRef: to(uid) });
      await door.ask('DELETE', `${core}/pods/bound?gracePeriodSeconds=0`);
      expect((await review(stage, token))['authenticated'] ?? false).toBe(false);
      await createBoth(stage);
      expect((await review(stage, token))['authenticated'] ?? false).toBe(false);
    },
  },
  {
    sentence: 'no token is bound to a pod that is not there, has another uid, or runs as another account',
    source: tokens,
    unlike: doesNotLook,
    check: async (stage) => {
      const { door, core } = stage;
      const uid = await createBoth(stage);
      await door.ask('POST', `${core}/pods`, { body: pod('other', { serviceAccountName: 'batch' }) });
      const statuses = [];
      for (const boundObjectRef of [to(uid), to('', 'none'), to('another'), to('', 'other')])
        statuses.push((await requestToken(stage, { boundObjectRef })).status);
      expect(statuses).toEqual([201, 404, 409, 400]);
    },
  },
  {
    sentence: 'no token lives for less than ten minutes',
    source: tokens,
    unlike: { 'v1.36': 'of the kit does not check it' },
    check: async (stage) => {
      await createBoth(stage);
      expect((await requestToken(stage, { expirationSeconds: 599 })).status).toBe(422);
    },
  },
  {
    sentence: 'an account that is not there has no token',
    source: tokens,
    check: async (stage) => {
      const body = {
        apiVersion: 'authentication.k8s.io/v1',
        kind: 'TokenRequest',
        spec: { audiences: [audience] },
      };
      const { status } = await stage.door.ask('POST', `${stage.core}/serviceaccounts/none/token`, { body });
      expect(status).toBe(404);
    },
  },
];
