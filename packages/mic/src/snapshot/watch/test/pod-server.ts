// An API server's pods, whose lists and watches answer when the test says so: watches of one state at different speeds.
import type { KubeRequest, KubeTransport } from '@pod-identity/kit/kube';
import { bindingLabel } from '@pod-identity/crd-types';

interface Pod {
  readonly metadata: {
    readonly namespace: string;
    readonly name: string;
    readonly uid: string;
    readonly resourceVersion: string;
    readonly labels: Readonly<Record<string, string>>;
  };
  readonly spec: { readonly nodeName: string; readonly serviceAccountName: string };
  readonly status: { readonly phase: string };
}

interface News {
  readonly version: number;
  readonly before: Pod | undefined;
  readonly after: Pod | undefined;
}

/** A watch that is open. */
export interface PodStream {
  readonly path: string;
  readonly isLabelled: boolean;
  /** Sends so many further changes; with none left, a bookmark. */
  deliver(changes: number): void;
}

interface PendingList {
  readonly path: string;
  readonly answer: () => void;
}

export interface PodServer {
  /** For requests about pods; all others are passed on. */
  readonly transport: KubeTransport;
  readonly streams: readonly PodStream[];
  readonly lists: readonly PendingList[];
  /** Number of lists so far, by path. */
  listed(path: string): number;
  /** The name of its node is its version. Without labels: deletes it. */
  put(namespace: string, name: string, labels?: Readonly<Record<string, string>>): void;
  pods(): readonly Pod[];
}

export function createPodServer(others: KubeTransport): PodServer {
  const pods = new Map<string, Pod>();
  const log: News[] = [];
  const streams = new Set<PodStream>();
  const lists: PendingList[] = [];
  const counts = new Map<string, number>();
  let version = 1;

  const list = (request: KubeRequest) => {
    const { path } = request;
    counts.set(path, (counts.get(path) ?? 0) + 1);
    const items = [...pods.values()].filter((pod) => concerns(request, pod));
    const answer = { items, metadata: { resourceVersion: `${version}` } };
    return new Promise((resolve, reject) => {
      request.signal?.addEventListener('abort', () => reject(request.signal?.reason as Error), {
        once: true,
      });
      const pending = {
        path,
        answer: () => {
          lists.splice(lists.indexOf(pending), 1);
          resolve(answer);
        },
      };
      lists.push(pending);
    });
  };
  const nextFor = (request: KubeRequest, seen: number) => {
    for (const news of log) {
      const event = news.version > seen ? eventOf(request, news) : undefined;
      if (event) return { event, at: news.version };
    }
    const object = { metadata: { resourceVersion: `${version}` } };
    return { event: { type: 'BOOKMARK', object, bytes: 1 }, at: version };
  };
  async function* watch(request: KubeRequest) {
    const { path, query, signal } = request;
    let seen = Number(query?.['resourceVersion']);
    let open = 0;
    let wake = Promise.withResolvers<undefined>();
    const stream = {
      path,
      isLabelled: isLabelled(request),
      deliver(changes: number) {
        open += changes;
        wake.resolve(undefined);
      },
    };
    streams.add(stream);
    signal?.addEventListener('abort', () => wake.resolve(undefined), { once: true });
    request.onOpen?.();
    try {
      for (;;) {
        await wake.promise;
        wake = Promise.withResolvers<undefined>();
        if (signal?.aborted === true) return;
        for (; open > 0; open -= 1) {
          const { event, at } = nextFor(request, seen);
          seen = at;
          yield event;
        }
      }
    } finally {
      streams.delete(stream);
    }
  }
  return {
    transport: {
      ...others,
      request: (request) => (isOfPods(request) ? list(request) : others.request(request)),
      watch: (request) => (isOfPods(request) ? watch(request) : others.watch(request)) as never,
    },
    get streams() {
      return [...streams];
    },
    get lists() {
      return [...lists];
    },
    listed: (path) => counts.get(path) ?? 0,
    put(namespace, name, labels) {
      const key = `${namespace}/${name}`;
      const before = pods.get(key);
      if (before === undefined && labels === undefined) return;
      version += 1;
      const uid = before?.metadata.uid ?? `${key}-${version}`;
      const after = labels && podOf({ namespace, name, uid, resourceVersion: `${version}`, labels });
      if (after) pods.set(key, after);
      else pods.delete(key);
      log.push({ version, before, after });
    },
    pods: () => [...pods.values()],
  };
}

function podOf(metadata: Pod['metadata']): Pod {
  const spec = { nodeName: metadata.resourceVersion, serviceAccountName: 'front' };
  return { metadata, spec, status: { phase: 'Running' } };
}

const isOfPods = ({ path }: KubeRequest) => path.endsWith('/pods');

function isLabelled({ query }: KubeRequest): boolean {
  return query?.['labelSelector'] !== undefined;
}

function concerns(request: KubeRequest, { metadata }: Pod): boolean {
  const { path } = request;
  const isInside = path === '/api/v1/pods' || path === `/api/v1/namespaces/${metadata.namespace}/pods`;
  return isInside && (!isLabelled(request) || bindingLabel in metadata.labels);
}

/** A pod that loses the label of a watch is deleted for it. */
function eventOf(request: KubeRequest, { version, before, after }: News): object | undefined {
  const [was, is] = [before, after].map((pod) => pod !== undefined && concerns(request, pod));
  if (is) return { type: was ? 'MODIFIED' : 'ADDED', object: after, bytes: 1 };
  const gone = after ?? before;
  if (!was || gone === undefined) return undefined;
  const metadata = { ...gone.metadata, resourceVersion: `${version}` };
  return { type: 'DELETED', object: { ...gone, metadata }, bytes: 1 };
}
