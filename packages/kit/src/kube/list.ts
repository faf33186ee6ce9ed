import { KubeError } from './errors.ts';
import type { ResourceKind } from './kinds.ts';
import { apiVersionOf, collectionPath, field, textField } from './object.ts';
import type { KubeTransport } from './transport.ts';

export interface ListRequest {
  readonly transport: KubeTransport;
  readonly kind: ResourceKind;
  readonly namespace?: string | undefined;
  readonly labelSelector?: string | undefined;
  readonly fieldSelector?: string | undefined;
  /** Objects per page; all in one answer when undefined. */
  readonly pageSize: number | undefined;
  /** `0` asks for whatever the API server has in memory. */
  readonly resourceVersion?: string | undefined;
  readonly signal?: AbortSignal | undefined;
}

export interface Listed<V> {
  readonly items: V[];
  readonly resourceVersion: string;
}

/**
 * Reads a whole list page by page; `keep` sees each object as its page arrives, so that only what it returns is held.
 * When the pages expire half-way, which takes minutes, the list is read again in one answer: that cannot expire.
 */
export async function readList<V>(request: ListRequest, keep: (object: unknown) => V): Promise<Listed<V>> {
  try {
    return await readPages(request, keep);
  } catch (error) {
    if (!(error instanceof KubeError && error.code === 'gone' && request.pageSize !== undefined)) throw error;
    return readPages({ ...request, pageSize: undefined }, keep);
  }
}

async function readPages<V>(request: ListRequest, keep: (object: unknown) => V): Promise<Listed<V>> {
  const items: V[] = [];
  let next = '';
  for (;;) {
    const page = await readPage(request, next);
    for (const object of page.objects) items.push(keep(withKind(object, request.kind)));
    next = page.next;
    if (next === '') return { items, resourceVersion: page.resourceVersion };
  }
}

async function readPage(request: ListRequest, next: string) {
  const { transport, kind, namespace, labelSelector, fieldSelector, pageSize, signal } = request;
  const answer = await transport.request({
    method: 'GET',
    path: collectionPath(kind, namespace),
    query: {
      labelSelector,
      fieldSelector,
      limit: pageSize?.toString(),
      continue: next === '' ? undefined : next,
      // A page that continues is of the first page's version; the API server refuses to be told one.
      resourceVersion: next === '' ? request.resourceVersion : undefined,
    },
    ...(signal ? { signal } : {}),
  });
  const objects = field(answer, 'items');
  const metadata = field(answer, 'metadata');
  return {
    // Go writes an empty slice as null.
    objects: Array.isArray(objects) ? (objects as unknown[]) : [],
    resourceVersion: textField(metadata, 'resourceVersion'),
    next: textField(metadata, 'continue'),
  };
}

/** In lists the API server leaves out what kind the items are; in watches it does not. Here all are alike. */
function withKind(object: unknown, kind: ResourceKind): unknown {
  if (typeof object !== 'object' || object === null || 'kind' in object) return object;
  return Object.assign(object, { apiVersion: apiVersionOf(kind), kind: kind.kind });
}
