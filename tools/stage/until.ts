// Waits for an object of the API server without polling: lists, then watches from the list's version.
import { KubeError, type KubeTransport } from '@pod-identity/kit/kube';
import type { KubeObject } from './objects.ts';

export interface Until {
  /** The path of a collection. */
  readonly path: string;
  readonly query?: Readonly<Record<string, string>>;
  fits(object: KubeObject): boolean;
  readonly withinMs?: number;
  /** Ends the wait early, with its reason. */
  readonly signal?: AbortSignal;
}

/** The first object of the collection, present or future, that fits. */
export async function untilObject(kube: KubeTransport, until: Until): Promise<KubeObject> {
  const signal = signalOf(until);
  try {
    return await look(kube, until, signal);
  } catch (error) {
    until.signal?.throwIfAborted();
    if (!signal.aborted) throw error;
    const { path, query = {} } = until;
    const last = { method: 'GET', path, query, signal: AbortSignal.timeout(10_000) } as const;
    const { items } = (await kube.request(last)) as { items: KubeObject[] };
    const seen = items
      .map((item) => JSON.stringify(item['status'] ?? item['message'] ?? item.metadata.name))
      .slice(-10);
    throw new Error(
      `no object of ${path} reached the awaited state; there are ${items.length}: ${seen.join(', ')}`,
      { cause: error },
    );
  }
}

async function look(kube: KubeTransport, until: Until, signal: AbortSignal): Promise<KubeObject> {
  for (;;) {
    const { items, changes } = await open(kube, until, signal);
    const found = items.find((item) => until.fits(item));
    if (found) return found;
    for await (const { type, object } of changes) {
      if (type !== 'DELETED' && until.fits(object)) return object;
    }
  }
}

/** Resolves when no object of the collection fits any more. */
export async function untilNone(kube: KubeTransport, until: Until): Promise<void> {
  const signal = signalOf(until);
  let left: readonly string[] = ['objects that could not be listed'];
  const wait = async () => {
    for (;;) {
      const { items, changes } = await open(kube, until, signal);
      left = items.filter((item) => until.fits(item)).map(({ metadata }) => metadata.name);
      if (left.length === 0) return;
      for await (const { type, object } of changes) if (type === 'DELETED' || !until.fits(object)) break;
    }
  };
  await wait().catch((error: unknown) => {
    until.signal?.throwIfAborted();
    if (!signal.aborted) throw error;
    throw new Error(`still in ${until.path}: ${left.slice(0, 10).join(', ')}`, { cause: error });
  });
}

/** Of the caller's end and the deadline, whichever is first. */
const signalOf = ({ signal, withinMs = 60_000 }: Until): AbortSignal =>
  AbortSignal.any([...(signal ? [signal] : []), AbortSignal.timeout(withinMs)]);

interface Change {
  readonly type: string;
  readonly object: KubeObject;
}

/** The collection, and its changes until the server ends the watch or returns 410. */
async function open(kube: KubeTransport, { path, query = {} }: Until, signal: AbortSignal) {
  const list = (await kube.request({ method: 'GET', path, query, signal })) as {
    items: KubeObject[];
    metadata: { resourceVersion: string };
  };
  const { resourceVersion } = list.metadata;
  const watch = { ...query, watch: 'true', resourceVersion, timeoutSeconds: '300' };
  const changes = kube.watch({ method: 'GET', path, query: watch, signal, timeoutMs: 310_000 });
  return { items: list.items, changes: endedByErrors(changes) };
}

async function* endedByErrors(changes: AsyncIterable<unknown>): AsyncGenerator<Change> {
  try {
    for await (const change of changes) yield change as Change;
  } catch (error) {
    if (!(error instanceof KubeError && error.code === 'gone')) throw error;
  }
}
