import type { Fields } from './fields.ts';
import type { ObjectKey, ResourceKind } from './kinds.ts';
import { readList, type ListRequest } from './list.ts';
import { apiVersionOf, collectionPath, metadataOf, objectPath, type ObjectMetadata } from './object.ts';
import type { KubeTransport } from './transport.ts';

export interface CallOptions {
  readonly signal?: AbortSignal;
  /** What to read of each object that is answered. */
  readonly fields?: Fields;
}

export interface ListQuery extends CallOptions {
  readonly namespace?: string;
  readonly labelSelector?: string;
  readonly fieldSelector?: string;
  /** Objects per page; 500 unless told. */
  readonly pageSize?: number;
}

export interface PatchOptions extends CallOptions {
  readonly type: 'merge' | 'json' | 'strategic';
  readonly subresource?: 'status';
  /** Patch only this version: another one is a `conflict`. */
  readonly resourceVersion?: string;
}

export interface DeleteOptions extends CallOptions {
  readonly uid?: string;
  readonly resourceVersion?: string;
}

export interface ReplaceOptions extends CallOptions {
  readonly subresource?: 'status';
}

/** The verbs of one kind of object. All throw KubeError. Objects carry their own name and namespace. */
export interface ResourceClient<T> {
  get(key: ObjectKey, options?: CallOptions): Promise<T>;
  /** The whole list, page after page. */
  list(query?: ListQuery): Promise<{ items: T[]; resourceVersion: string }>;
  create(object: T, options?: CallOptions): Promise<T>;
  replace(object: T, options?: ReplaceOptions): Promise<T>;
  patch(key: ObjectKey, patch: unknown, options: PatchOptions): Promise<T>;
  delete(key: ObjectKey, options?: DeleteOptions): Promise<void>;
}
const defaultPageSize = 500;

const nothing: Fields = { members: {} };

const patchTypes = {
  merge: 'application/merge-patch+json',
  json: 'application/json-patch+json',
  strategic: 'application/strategic-merge-patch+json',
} as const;

/** The verbs of one kind. `T` is the caller's word for what the API server sends: nothing is checked here. */
export function createResource<T>(transport: KubeTransport, kind: ResourceKind): ResourceClient<T> {
  const typed = { apiVersion: apiVersionOf(kind), kind: kind.kind };
  return {
    get: async (key, options = {}) =>
      (await transport.request({ method: 'GET', path: objectPath(kind, key), ...pick(options) })) as T,

    list: (query = {}) =>
      listWhole({ pageSize: defaultPageSize, ...query, transport, kind }) as ReturnType<
        ResourceClient<T>['list']
      >,

    create: async (object, options = {}) => {
      const path = collectionPath(kind, ownMetadata(object).namespace);
      return (await transport.request({
        method: 'POST',
        path,
        body: { ...typed, ...object },
        ...pick(options),
      })) as T;
    },

    replace: async (object, options = {}) => {
      const path = objectPath(kind, ownMetadata(object)) + subPath(options);
      return (await transport.request({
        method: 'PUT',
        path,
        body: { ...typed, ...object },
        ...pick(options),
      })) as T;
    },

    patch: async (key, patch, options) =>
      (await transport.request({
        method: 'PATCH',
        path: objectPath(kind, key) + subPath(options),
        body: patchBody(patch, options),
        contentType: patchTypes[options.type],
        ...pick(options),
      })) as T,

    delete: async (key, options = {}) => {
      const { uid, resourceVersion } = options;
      const preconditions = { ...(uid && { uid }), ...(resourceVersion && { resourceVersion }) };
      const body = { apiVersion: 'v1', kind: 'DeleteOptions', preconditions };
      const path = objectPath(kind, key);
      await transport.request({ method: 'DELETE', path, body, fields: nothing, ...pick(options) });
    },
  };
}

async function listWhole(request: ListRequest): Promise<{ items: unknown[]; resourceVersion: string }> {
  let items: unknown[] = [];
  const resourceVersion = await readList(request, {
    begin: () => void (items = []),
    take: (object) => void items.push(object),
  });
  return { items, resourceVersion };
}

const pick = ({ signal, fields }: CallOptions) => ({ ...(signal && { signal }), ...(fields && { fields }) });
const subPath = ({ subresource }: { subresource?: string }) => (subresource ? `/${subresource}` : '');

function ownMetadata(object: unknown): ObjectMetadata {
  const metadata = metadataOf(object);
  if (!metadata) throw new TypeError('an object needs metadata.name');
  return metadata;
}

/** The version that the patch is meant for travels inside it: the API server then refuses any other. */
function patchBody(patch: unknown, { type, resourceVersion }: PatchOptions): unknown {
  if (resourceVersion === undefined) return patch;
  if (type === 'json') {
    return [
      { op: 'test', path: '/metadata/resourceVersion', value: resourceVersion },
      ...(patch as readonly unknown[]),
    ];
  }
  const { metadata, ...rest } = patch as { readonly metadata?: object };
  return { ...rest, metadata: { ...metadata, resourceVersion } };
}
