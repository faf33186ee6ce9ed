import type { ObjectKey, ResourceKind } from './kinds.ts';
import { listTrimmed } from './list.ts';
import { apiVersionOf, collectionPath, metadataOf, objectPath, type ObjectMetadata } from './object.ts';
import type { KubeRequest, KubeTransport } from './transport.ts';

export interface CallOptions {
  readonly signal?: AbortSignal;
}

export interface ListQuery extends Pick<CallOptions, 'signal'> {
  readonly namespace?: string;
  readonly labelSelector?: string;
}

interface PatchOptions extends CallOptions {
  readonly subresource?: 'status';
  /** Patches only this version; `conflict` otherwise. */
  readonly resourceVersion?: string;
}

interface DeleteOptions extends CallOptions {
  readonly uid?: string;
  readonly resourceVersion?: string;
}

/** The verbs of one kind of object. All throw KubeError. */
export interface ResourceClient<T> {
  get(key: ObjectKey, options?: CallOptions): Promise<T>;
  /** The whole list, read in pages. */
  list(query?: ListQuery): Promise<T[]>;
  create(object: T, options?: CallOptions): Promise<T>;
  replace(object: T, options?: CallOptions): Promise<T>;
  patch(key: ObjectKey, patch: object, options?: PatchOptions): Promise<T>;
  delete(key: ObjectKey, options?: DeleteOptions): Promise<void>;
}

const pageSize = 500;

/** `T` is the caller's type for the objects and is not checked. */
export function createResource<T>(transport: KubeTransport, kind: ResourceKind): ResourceClient<T> {
  const typed = { apiVersion: apiVersionOf(kind), kind: kind.kind };
  const send = async (request: KubeRequest, { signal }: CallOptions) =>
    (await transport.request({ ...request, ...(signal && { signal }) })) as T;
  return {
    get: async (key, options = {}) => send({ method: 'GET', path: objectPath(kind, key) }, options),
    list: (query = {}) => listTrimmed({ ...query, pageSize, transport, kind }, (object) => object as T),

    create: async (object, options = {}) => {
      const path = collectionPath(kind, ownMetadata(object).namespace);
      return send({ method: 'POST', path, body: { ...typed, ...object } }, options);
    },

    replace: async (object, options = {}) => {
      const path = objectPath(kind, ownMetadata(object));
      return send({ method: 'PUT', path, body: { ...typed, ...object } }, options);
    },

    patch: async (key, patch, options = {}) => {
      const path = objectPath(kind, key) + (options.subresource ? `/${options.subresource}` : '');
      const body = patchBody(patch, options.resourceVersion);
      const contentType = 'application/merge-patch+json';
      return send({ method: 'PATCH', path, body, contentType }, options);
    },

    delete: async (key, options = {}) => {
      const { uid, resourceVersion } = options;
      const preconditions = { ...(uid && { uid }), ...(resourceVersion && { resourceVersion }) };
      const body = { apiVersion: 'v1', kind: 'DeleteOptions', preconditions };
      const path = objectPath(kind, key);
      await send({ method: 'DELETE', path, body }, options);
    },
  };
}

function ownMetadata(object: unknown): ObjectMetadata {
  const metadata = metadataOf(object);
  if (!metadata) throw new TypeError('an object needs metadata.name');
  return metadata;
}

/** With `resourceVersion` in the patch the API server refuses other versions. */
function patchBody(patch: object, resourceVersion: string | undefined): object {
  if (resourceVersion === undefined) return patch;
  const { metadata, ...rest } = patch as { readonly metadata?: object };
  return { ...rest, metadata: { ...metadata, resourceVersion } };
}
