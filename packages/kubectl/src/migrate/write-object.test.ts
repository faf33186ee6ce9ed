import { resources } from '@pod-identity/crd-types';
import { KubeError, type KubeRequest, type KubeTransport } from '@pod-identity/kit/kube';
import { expect, test } from 'vitest';
import { writeObject } from './write-object.ts';
import { basisOf, patchOf, type Write } from './writes.ts';

const target = { kind: resources.AzureIdentity, namespace: 'pay', name: 'vault' };
const stored = (spec: object, resourceVersion = '1', uid = 'u') => ({
  metadata: { namespace: 'pay', name: 'vault', uid, resourceVersion },
  spec,
});
const patch = (over: object) => patchOf({ target, object: over }, 'spec', { type: 3 });

/** Its objects change as the list says, one at each GET. */
function server(
  reads: readonly (object | undefined)[],
  onWrite: (request: KubeRequest) => unknown = ({ body }) => body,
) {
  const sent: KubeRequest[] = [];
  const left = [...reads];
  const kube: KubeTransport = {
    server: 'https://api.test',
    close: () => Promise.resolve(),
    watch: () => {
      throw new Error('not used');
    },
    request: async (request) => {
      await Promise.resolve();
      if (request.method === 'GET') {
        const object = left.length > 1 ? left.shift() : left[0];
        if (object === undefined) throw new KubeError('not-found', 'not found', { status: 404 });
        return object;
      }
      sent.push(request);
      return onWrite(request);
    },
  };
  return { kube, sent };
}
const go = (write: Write, kube: KubeTransport) => writeObject(write, kube, new AbortController().signal);

test('a write is tried as a dry run first, and has the version that was read', async () => {
  const object = stored({ type: 0 });
  const { kube, sent } = server([object]);
  await go(patch(object), kube);
  expect(sent.map(({ query }) => query?.['dryRun'])).toEqual(['All', undefined]);
  expect(sent[1]?.body).toMatchObject({ metadata: { resourceVersion: '1' }, spec: { type: 3 } });
});

test('nothing is written over what somebody else has changed', async () => {
  const { kube, sent } = server([stored({ type: 0, clientID: 'other' }, '2')]);
  await expect(go(patch(stored({ type: 0 })), kube)).rejects.toThrow(
    'AzureIdentity pay/vault was changed by somebody else since the plan was made: spec changed',
  );
  expect(sent).toEqual([]);
});

test('nor over an object that was created again', async () => {
  const { kube } = server([stored({ type: 0 }, '9', 'another')]);
  await expect(go(patch(stored({ type: 0 })), kube)).rejects.toThrow('deleted and created again');
});

test('a conflict with a write of its status is tried again, one with its spec is not', async () => {
  let conflicts = 1;
  const refuseOnce = ({ body, query }: KubeRequest) => {
    if (query === undefined && conflicts-- > 0) throw new KubeError('conflict', 'modified', { status: 409 });
    return body;
  };
  const object = stored({ type: 0 });
  const again = server([object, stored({ type: 0 }, '2')], refuseOnce);
  await go(patch(object), again.kube);
  expect(again.sent.at(-1)?.body).toMatchObject({ metadata: { resourceVersion: '2' } });
  conflicts = 1;
  const changed = server([object, stored({ type: 1 }, '2')], refuseOnce);
  await expect(go(patch(object), changed.kube)).rejects.toThrow('changed by somebody else');
});

test('what is in effect already is not written again', async () => {
  const { kube, sent } = server([stored({ type: 3 }, '5')]);
  await go(patch(stored({ type: 0 })), kube);
  expect(sent).toEqual([]);
});

test('an object that exists and says something else is not replaced', async () => {
  const create: Write = { verb: 'create', target, object: stored({ type: 0 }) };
  const { kube, sent } = server([stored({ type: 3 })]);
  await expect(go(create, kube)).rejects.toThrow('exists and says something else');
  expect(sent).toEqual([]);
});

test('a refused dry run ends it before the write', async () => {
  const { kube, sent } = server([undefined], () => {
    throw new KubeError('denied', 'is attempting to grant RBAC permissions not currently held', {
      status: 403,
    });
  });
  await expect(go({ verb: 'create', target, object: stored({}) }, kube)).rejects.toThrow(
    'refuses to create AzureIdentity pay/vault',
  );
  expect(sent).toHaveLength(1);
});

test('of a server that is lost in the middle it says that the write may have been carried out', async () => {
  const object = stored({ type: 0 });
  const { kube } = server([object], ({ query, body }) => {
    if (query !== undefined) return body;
    throw new KubeError('transport', 'socket hang up');
  });
  await expect(go(patch(object), kube)).rejects.toThrow(
    /https:\/\/api\.test gave no answer .* may have been carried out/,
  );
});

test('what an admission webhook changed is found', async () => {
  const object = stored({ type: 0 });
  const { kube } = server([object], () => stored({ type: 0 }, '2'));
  await expect(go(patch(object), kube)).rejects.toThrow('stored something else');
});

test('an object that is gone need not be deleted', async () => {
  const { kube, sent } = server([undefined]);
  await go({ verb: 'delete', target, basis: basisOf(stored({}), ['spec']) }, kube);
  expect(sent).toEqual([]);
});

test('what undoes a patch puts back what was there, and removes what was not', () => {
  const object = stored({ type: 0, clientID: 'a' });
  expect(patchOf({ target, object }, 'spec', { clientID: 'b', tenantID: 't' })).toMatchObject({
    patch: { spec: { clientID: 'b', tenantID: 't' } },
    undo: { spec: { clientID: 'a', tenantID: null } },
  });
});
