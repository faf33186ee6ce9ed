// An in-memory API server for watches: lists objects, reads only the requested fields, and sends changes.
import type { KubeRequest, KubeTransport } from '@pod-identity/kit/kube';

const group = '/apis/aadpodidentity.k8s.io/v1';

/** Paths of the collections that MIC watches. */
export const paths = {
  pods: '/api/v1/pods',
  nodes: '/api/v1/nodes',
  identities: `${group}/azureidentities`,
  bindings: `${group}/azureidentitybindings`,
};

export interface RawObject {
  readonly metadata: { readonly name: string; readonly labels?: Readonly<Record<string, string>> };
}

export interface FakeApi {
  readonly transport: KubeTransport;
  /** All list requests so far. */
  readonly lists: readonly KubeRequest[];
  /** Puts the object into a collection such as `/api/v1/pods`, and sends the change to its watches. */
  put(collection: string, object: RawObject): void;
  remove(collection: string, object: RawObject): void;
  /** From now on, lists of this collection get no response until the returned function is called. */
  hang(collection: string): () => void;
}

interface News {
  readonly type: 'ADDED' | 'MODIFIED' | 'DELETED';
  readonly object: RawObject;
}

export function createFakeApi(): FakeApi {
  const collections = new Map<string, Map<string, RawObject>>();
  const watchers = new Map<string, (news: News) => void>();
  const hanging = new Map<string, Promise<unknown>>();
  const lists: KubeRequest[] = [];
  let version = 1;
  const inside = (collection: string) => {
    const objects = collections.get(collection) ?? new Map<string, RawObject>();
    collections.set(collection, objects);
    return objects;
  };
  const versioned = (object: RawObject) => {
    version += 1;
    return { ...object, metadata: { ...object.metadata, resourceVersion: `${version}` } };
  };
  const transport: KubeTransport = {
    server: 'fake',
    close: () => Promise.resolve(),
    async request(request) {
      const { path, query } = request;
      lists.push(request);
      await Promise.resolve();
      const hung = hanging.get(path);
      if (hung) await Promise.race([hung, abortOf(request.signal)]);
      const label = query?.['labelSelector'];
      const objects = [...inside(path).values()].filter(
        ({ metadata }) => label === undefined || metadata.labels?.[label] !== undefined,
      );
      return { items: objects, metadata: { resourceVersion: `${version}` } };
    },
    async *watch({ path, signal }: KubeRequest) {
      while (signal?.aborted !== true) {
        const { promise, resolve } = Promise.withResolvers<News | undefined>();
        watchers.set(path, resolve);
        signal?.addEventListener('abort', () => resolve(undefined), { once: true });
        const news = await promise;
        if (news === undefined) return;
        yield { type: news.type, object: news.object, bytes: 1 };
      }
    },
  };
  return {
    transport,
    lists,
    put(collection, object) {
      const stored = versioned(object);
      const isNew = !inside(collection).has(object.metadata.name);
      inside(collection).set(object.metadata.name, stored);
      watchers.get(collection)?.({ type: isNew ? 'ADDED' : 'MODIFIED', object: stored });
    },
    remove(collection, object) {
      inside(collection).delete(object.metadata.name);
      watchers.get(collection)?.({ type: 'DELETED', object: versioned(object) });
    },
    hang(collection) {
      const { promise, resolve } = Promise.withResolvers();
      hanging.set(collection, promise);
      return () => {
        hanging.delete(collection);
        resolve(undefined);
      };
    },
  };
}

/** Rejects at once where the request is aborted, and never otherwise. */
function abortOf(signal: AbortSignal | undefined): Promise<never> {
  return new Promise((_, reject) => {
    signal?.addEventListener('abort', () => reject(signal.reason as Error), { once: true });
  });
}
