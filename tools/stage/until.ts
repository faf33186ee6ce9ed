// Waiting for an object of the API server without polling: look, then watch from what was seen.
import type { KubeTransport } from '@pod-identity/kit/kube';
import type { KubeObject } from './objects.ts';

export interface Until {
  /** A collection's path. */
  readonly path: string;
  readonly query?: Readonly<Record<string, string>>;
  fits(object: KubeObject): boolean;
  readonly withinMs?: number;
}

/** The first object of the collection, there already or to come, that fits. */
export async function untilObject(kube: KubeTransport, until: Until): Promise<KubeObject> {
  const signal = AbortSignal.timeout(until.withinMs ?? 60_000);
  try {
    return await look(kube, until, signal);
  } catch (error) {
    if (!signal.aborted) throw error;
    const { items } = (await kube.request({ method: 'GET', path: until.path })) as { items: KubeObject[] };
    const seen = items
      .map((item) => JSON.stringify(item['status'] ?? item['message'] ?? item.metadata.name))
      .slice(-10);
    throw new Error(
      `no object of ${until.path} became what was awaited; there are ${items.length}: ${seen.join(', ')}`,
      { cause: error },
    );
  }
}

async function look(kube: KubeTransport, until: Until, signal: AbortSignal): Promise<KubeObject> {
  for (;;) {
    const list = (await kube.request({
      method: 'GET',
      path: until.path,
      signal,
      ...(until.query && { query: until.query }),
    })) as {
      items: KubeObject[];
      metadata: { resourceVersion: string };
    };
    const found = list.items.find((item) => until.fits(item));
    if (found) return found;
    const query = {
      ...until.query,
      watch: 'true',
      resourceVersion: list.metadata.resourceVersion,
      timeoutSeconds: '300',
    };
    for await (const event of kube.watch({
      method: 'GET',
      path: until.path,
      query,
      signal,
      timeoutMs: 310_000,
    })) {
      const { type, object } = event as { type: string; object: KubeObject };
      if (type === 'ERROR') break;
      if ((type === 'ADDED' || type === 'MODIFIED') && until.fits(object)) return object;
    }
  }
}

/** Resolves when no object of the collection fits any more. */
export async function untilNone(kube: KubeTransport, until: Until): Promise<void> {
  const signal = AbortSignal.timeout(until.withinMs ?? 60_000);
  for (;;) {
    const list = (await kube.request({ method: 'GET', path: until.path, signal })) as {
      items: KubeObject[];
      metadata: { resourceVersion: string };
    };
    if (!list.items.some((item) => until.fits(item))) return;
    const query = { watch: 'true', resourceVersion: list.metadata.resourceVersion, timeoutSeconds: '300' };
    for await (const event of kube.watch({
      method: 'GET',
      path: until.path,
      query,
      signal,
      timeoutMs: 310_000,
    })) {
      const { type, object } = event as { type: string; object: KubeObject };
      if (type === 'ERROR' || type === 'DELETED' || !until.fits(object)) break;
    }
  }
}
