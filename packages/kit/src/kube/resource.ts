import type { ObjectKey, ResourceKind } from './kinds.ts';
import type { KubeTransport } from './transport.ts';

export interface CallOptions {
  readonly signal?: AbortSignal;
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
export function createResource<T>(transport: KubeTransport, kind: ResourceKind): ResourceClient<T> { throw new Error('soon'); }
