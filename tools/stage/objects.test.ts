import { KubeError, type KubeTransport } from '@pod-identity/kit/kube';
import { expect, test } from 'vitest';
import { applyObject, type KubeObject } from './objects.ts';

const object: KubeObject = {
  apiVersion: 'aadpodidentity.k8s.io/v1',
  kind: 'AzureIdentity',
  metadata: { name: 'demo', namespace: 'default' },
  spec: { type: 0 },
};

/** An API server whose object somebody else writes to after each of the first reads. */
function contended(writes: number): { readonly kube: KubeTransport; readonly stored: () => KubeObject } {
  let version = 1;
  let stored: KubeObject = { ...object, spec: {} };
  const request = ({ method, body }: { readonly method: string; readonly body?: unknown }) => {
    if (method === 'POST') throw new KubeError('already-exists', 'it is there');
    if (method === 'GET') {
      const read = { ...stored, metadata: { ...stored.metadata, resourceVersion: String(version) } };
      if (version <= writes) version += 1;
      return read;
    }
    const wanted = body as KubeObject;
    if (wanted.metadata.resourceVersion !== String(version))
      throw new KubeError('conflict', 'the object has been modified');
    stored = wanted;
    return stored;
  };
  const kube = { request: (one: never) => Promise.resolve().then(() => request(one)) };
  return { kube: kube as unknown as KubeTransport, stored: () => stored };
}

test('an object to which MIC writes its status meanwhile is replaced all the same', async () => {
  const { kube, stored } = contended(2);
  await applyObject(kube, object);
  expect(stored()['spec']).toEqual({ type: 0 });
});

test('an object that changes all the time is a conflict in the end', async () => {
  await expect(applyObject(contended(Infinity).kube, object)).rejects.toThrow('has been modified');
});
