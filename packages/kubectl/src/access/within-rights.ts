// Reads for users whose rights end at one namespace: a list of the whole cluster that is refused becomes the list of that namespace.
// MIC's and NMI's reads then work as they are, on less.
import { aborted } from '@pod-identity/kit/core';
import { KubeError, type KubeRequest, type KubeTransport } from '@pod-identity/kit/kube';

export interface ReadsWithinRights {
  readonly transport: KubeTransport;
  /** What was not read, in sentences. */
  lacking(): readonly string[];
  /** Of a spared kind: it counts as empty, since it may not be listed. */
  isUnread(plural: string): boolean;
  /** Rejects with the first refusal of a list that nothing can be said without. */
  readonly refused: Promise<never>;
}

export interface Within {
  /** Undefined: only the whole cluster will do. */
  readonly namespace: string | undefined;
  /** Plurals of kinds that count as empty if they may not be listed. */
  readonly spare: readonly string[];
  /** Plurals of kinds of which only the namespace is wanted, whatever the user may list. */
  readonly only?: readonly string[];
}

const nothing = { metadata: { resourceVersion: '0' }, items: [] };

/** What became of the lists that were refused. */
interface Narrowing {
  /** By path: where it is read instead; undefined: nowhere. */
  readonly paths: Map<string, string | undefined>;
  /** Plurals of kinds. */
  readonly elsewhere: Set<string>;
  readonly unread: Set<string>;
  readonly refused: PromiseWithResolvers<never>;
}

export function readWithinRights(kube: KubeTransport, within: Within): ReadsWithinRights {
  const refused = Promise.withResolvers<never>();
  // Whoever does not wait for it sees the error of the list itself.
  refused.promise.catch(() => undefined);
  const narrowing: Narrowing = { paths: new Map(), elsewhere: new Set(), unread: new Set(), refused };
  const { paths, elsewhere, unread } = narrowing;
  return {
    transport: {
      ...kube,
      async request(request) {
        const list = request.method === 'GET' ? clusterListOf(request.path) : undefined;
        const known = paths.get(request.path);
        const path = known ?? (list && wantedPath(list, within)) ?? request.path;
        try {
          const response = await kube.request({ ...request, path });
          if (path !== request.path) paths.set(request.path, path);
          return response;
        } catch (error) {
          if (!list || known !== undefined || !isRefusal(error)) throw error;
          return narrow(kube, { request, list, cause: error, within, narrowing });
        }
      },
      watch(request) {
        if (!paths.has(request.path)) return kube.watch(request);
        const path = paths.get(request.path);
        return path === undefined ? untilAborted(request) : kube.watch({ ...request, path });
      },
    },
    lacking: () => [
      ...(unread.size === 0 ? [] : [lackOf(unread, '')]),
      ...(elsewhere.size === 0 ? [] : [lackOf(elsewhere, ' of other namespaces')]),
    ],
    isUnread: (plural) => unread.has(plural),
    refused: refused.promise,
  };
}

function wantedPath(list: ClusterList, { namespace, only = [] }: Within): string | undefined {
  return namespace === undefined || !only.includes(list.plural) ? undefined : pathWithin(list, namespace);
}

interface Refused {
  readonly request: KubeRequest;
  readonly list: ClusterList;
  readonly cause: KubeError;
  readonly within: Within;
  readonly narrowing: Narrowing;
}

async function narrow(
  kube: KubeTransport,
  { request, list, cause, within, narrowing }: Refused,
): Promise<unknown> {
  const { namespace, spare } = within;
  const { paths, elsewhere, unread, refused } = narrowing;
  const { plural } = list;
  const isNamespace = plural === 'namespaces';
  try {
    const path = namespace === undefined ? undefined : pathWithin(list, namespace);
    if (path === undefined) throw cause;
    const response = await kube.request({ ...request, path });
    elsewhere.add(plural);
    paths.set(request.path, isNamespace ? undefined : path);
    return isNamespace ? { ...nothing, items: [response] } : response;
  } catch (error) {
    if (!isRefusal(error)) throw error;
    if (spare.includes(plural)) {
      unread.add(plural);
      paths.set(request.path, undefined);
      return nothing;
    }
    // Without Namespaces both services work.
    if (!isNamespace) refused.reject(refusalOf(list, namespace, error));
    throw error;
  }
}

function lackOf(plurals: ReadonlySet<string>, of: string): string {
  return `not taken into account, since you may not list them: ${[...plurals].sort().join(', ')}${of}`;
}

interface ClusterList {
  readonly root: string;
  readonly plural: string;
  /** With its group. */
  readonly resource: string;
}

function clusterListOf(path: string): ClusterList | undefined {
  const [, root = '', group, plural = ''] = /^(\/api\/v1|\/apis\/([^/]+)\/[^/]+)\/([a-z]+)$/.exec(path) ?? [];
  if (plural === '') return undefined;
  return { root, plural, resource: group === undefined ? plural : `${plural}.${group}` };
}

/** Undefined for Nodes, which belong to no namespace. */
function pathWithin({ root, plural }: ClusterList, namespace: string): string | undefined {
  if (plural === 'nodes') return undefined;
  const own = `${root}/namespaces/${encodeURIComponent(namespace)}`;
  return plural === 'namespaces' ? own : `${own}/${plural}`;
}

function isRefusal(error: unknown): error is KubeError {
  return error instanceof KubeError && error.code === 'denied';
}

function refusalOf({ resource }: ClusterList, namespace: string | undefined, cause: KubeError): KubeError {
  const where = namespace === undefined ? 'at the cluster scope' : `in namespace ${namespace}`;
  return new KubeError('denied', `you may not list ${resource} ${where}: ${cause.message}`, { cause });
}

/** A watch in which nothing happens. */
async function* untilAborted({ signal, onOpen }: KubeRequest): AsyncGenerator<never> {
  onOpen?.();
  if (signal) await aborted(signal);
  yield* [];
}
