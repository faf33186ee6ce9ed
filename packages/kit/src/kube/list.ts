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
  /** Objects per page; undefined: no pages. */
  readonly pageSize: number | undefined;
  /** `0`: any version in the API server's cache. */
  readonly resourceVersion?: string | undefined;
  readonly signal?: AbortSignal | undefined;
  /** The longest silence. */
  readonly timeoutMs?: number | undefined;
}

export interface ListReceiver {
  /** The list is read from its beginning: objects taken before are obsolete. */
  begin(): void;
  take(object: unknown): void;
}

/** Reads a whole list of trimmed objects; undefined ones are left out. */
export async function listTrimmed<V>(
  request: ListRequest,
  trim: (object: unknown) => V | undefined,
): Promise<V[]> {
  let kept: V[] = [];
  await readList(request, {
    begin: () => void (kept = []),
    take: (object) => keep(kept, trim(object)),
  });
  return kept;
}

/**
 * Reads a list of trimmed objects page by page; undefined ones are left out. The next page is requested when the caller takes it: throws
 * `gone` if the list has expired by then, after minutes.
 */
export async function* listPages<V>(
  request: ListRequest,
  trim: (object: unknown) => V | undefined,
): AsyncGenerator<readonly V[]> {
  let next = '';
  do {
    const kept: V[] = [];
    ({ next } = await readPage(request, next, (object) => keep(kept, trim(object))));
    yield kept;
  } while (next !== '');
}

function keep<V>(kept: V[], view: V | undefined): void {
  if (view !== undefined) kept.push(view);
}

/**
 * Reads a whole list page by page and returns its version; each object is passed on as it arrives, so that the list is not held in
 * memory. If the pages expire meanwhile, after minutes, the list is read again without pages.
 */
export async function readList(request: ListRequest, receiver: ListReceiver): Promise<string> {
  receiver.begin();
  try {
    for (let next = ''; ;) {
      const page = await readPage(request, next, (object) => receiver.take(object));
      if (page.next === '') return page.resourceVersion;
      next = page.next;
    }
  } catch (error) {
    if (!(error instanceof KubeError && error.code === 'gone' && request.pageSize !== undefined)) throw error;
    return readList({ ...request, pageSize: undefined }, receiver);
  }
}

async function readPage(request: ListRequest, next: string, take: (object: unknown) => void) {
  const { transport, kind, namespace, labelSelector, fieldSelector, pageSize } = request;
  const { signal, timeoutMs } = request;
  const onItem = (object: unknown) => take(withKind(object, kind));
  const response = await transport.request({
    method: 'GET',
    path: collectionPath(kind, namespace),
    query: {
      labelSelector,
      fieldSelector,
      limit: pageSize?.toString(),
      continue: next === '' ? undefined : next,
      // The API server refuses a version together with a continue token.
      resourceVersion: next === '' ? request.resourceVersion : undefined,
    },
    onItem,
    signal,
    timeoutMs,
  });
  // Transports without `onItem`, such as those of tests, return the items.
  const items = field(response, 'items');
  if (Array.isArray(items)) for (const item of items as unknown[]) onItem(item);
  const metadata = field(response, 'metadata');
  return { resourceVersion: textField(metadata, 'resourceVersion'), next: textField(metadata, 'continue') };
}

/** The items of lists have no kind, unlike those of watches. */
function withKind(object: unknown, kind: ResourceKind): unknown {
  if (typeof object !== 'object' || object === null || 'kind' in object) return object;
  return Object.assign(object, { apiVersion: apiVersionOf(kind), kind: kind.kind });
}
