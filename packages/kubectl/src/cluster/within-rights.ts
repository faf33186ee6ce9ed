// Reads for users whose rights end at one namespace: a list of the whole cluster that is refused becomes the list of that namespace.
// MIC's and NMI's reads then work as they are, on less.
import { resources } from '@pod-identity/crd-types';
import { aborted } from '@pod-identity/kit/core';
import { KubeError, type KubeRequest, type KubeTransport } from '@pod-identity/kit/kube';
import { emptyList, scopeOf } from './lists.ts';

export interface ReadsWithinRights {
  readonly transport: KubeTransport;
  /** What was not read, in sentences. */
  lacking(): readonly string[];
  /** Of a spared kind: it counts as empty, since it may not be listed. */
  isUnread(plural: string): boolean;
  /** Rejects with the first refusal of a list that nothing can be said without. */
  readonly refused: Promise<never>;
}

/** Plurals of kinds that a command can do without. */
export interface Needs {
  /** They count as empty if they may not be listed. */
  readonly optional: readonly string[];
  /** Only those of the namespace are wanted, whatever the user may list. */
  readonly only?: readonly string[];
}

export interface Within extends Needs {
  /** Undefined: only the whole cluster will do. */
  readonly namespace: string | undefined;
}

export const recordPlural = resources.AzureAssignedIdentity.plural;
const objectPlurals = [resources.AzureIdentity.plural, resources.AzureIdentityBinding.plural];

/** By command. Without any other kind that it reads, a command has no answer. */
export const needs = {
  /** `status` and `ui`. */
  status: {
    optional: [...objectPlurals, recordPlural, 'pods', 'nodes', 'namespaces'],
    only: ['pods', recordPlural],
  },
  inventory: { optional: [recordPlural, 'nodes'], only: ['pods', recordPlural] },
  explain: { optional: [resources.AzurePodIdentityException.plural] },
  /** The names of identities. */
  access: { optional: [] },
  /** Who is forgotten would lose tokens. */
  migrate: { optional: [] },
} as const satisfies Readonly<Record<string, Needs>>;

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
        const list = request.method === 'GET' ? listIn(request.path) : undefined;
        if (list === undefined) return kube.request(request);
        if (isUnwanted(list, within)) {
          paths.set(request.path, undefined);
          return emptyList;
        }
        const known = paths.get(request.path);
        const path = known ?? wantedPath(list, within) ?? request.path;
        try {
          const response = await kube.request({ ...request, path });
          if (path !== request.path) paths.set(request.path, path);
          return response;
        } catch (error) {
          if (known !== undefined || !isRefusal(error)) throw error;
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

function wantedPath(list: List, { namespace, only = [] }: Within): string | undefined {
  return namespace === undefined || !only.includes(list.plural) ? undefined : pathWithin(list, namespace);
}

function isUnwanted(list: List, { namespace, only = [] }: Within): boolean {
  const isElsewhere = list.namespace !== undefined && list.namespace !== namespace;
  return namespace !== undefined && isElsewhere && only.includes(list.plural);
}

interface Refused {
  readonly request: KubeRequest;
  readonly list: List;
  readonly cause: KubeError;
  readonly within: Within;
  readonly narrowing: Narrowing;
}

async function narrow(kube: KubeTransport, refusal: Refused): Promise<unknown> {
  const { request, list, cause, within, narrowing } = refusal;
  const path = within.namespace === undefined ? undefined : pathWithin(list, within.namespace);
  if (path === undefined) return doWithout(cause, refusal);
  const isNamespace = list.plural === 'namespaces';
  try {
    const response = await kube.request({ ...request, path });
    narrowing.elsewhere.add(list.plural);
    narrowing.paths.set(request.path, isNamespace ? undefined : path);
    return isNamespace ? { ...emptyList, items: [response] } : response;
  } catch (error) {
    if (!isRefusal(error)) throw error;
    return doWithout(error, refusal);
  }
}

function doWithout(error: KubeError, { request, list, within, narrowing }: Refused): typeof emptyList {
  const { namespace, optional } = within;
  const isOfOne = list.namespace !== undefined;
  if (optional.includes(list.plural)) {
    const { elsewhere, unread } = narrowing;
    (isOfOne && namespace !== undefined ? elsewhere : unread).add(list.plural);
    narrowing.paths.set(request.path, undefined);
    return emptyList;
  }
  // Without Namespaces both services work.
  if (list.plural !== 'namespaces' && !isOfOne) narrowing.refused.reject(refusalOf(list, namespace, error));
  throw error;
}

function lackOf(plurals: ReadonlySet<string>, of: string): string {
  return `not taken into account, since you may not list them: ${[...plurals].sort().join(', ')}${of}`;
}

interface List {
  readonly root: string;
  /** Undefined: of the whole cluster. */
  readonly namespace: string | undefined;
  readonly plural: string;
  /** With its group. */
  readonly resource: string;
}

const listPath = /^(\/api\/v1|\/apis\/([^/]+)\/[^/]+)(?:\/namespaces\/([^/]+))?\/([a-z]+)$/;

function listIn(path: string): List | undefined {
  const [, root = '', group, namespace, plural = ''] = listPath.exec(path) ?? [];
  if (plural === '') return undefined;
  return { root, namespace, plural, resource: group === undefined ? plural : `${plural}.${group}` };
}

/** Undefined for Nodes, which belong to no namespace, and for what is in one already. */
function pathWithin({ root, plural, namespace: own }: List, namespace: string): string | undefined {
  if (plural === 'nodes' || own !== undefined) return undefined;
  const path = `${root}/namespaces/${encodeURIComponent(namespace)}`;
  return plural === 'namespaces' ? path : `${path}/${plural}`;
}

function isRefusal(error: unknown): error is KubeError {
  return error instanceof KubeError && error.code === 'denied';
}

function refusalOf({ resource }: List, namespace: string | undefined, cause: KubeError): KubeError {
  const what = `list ${resource} ${scopeOf(namespace)}`;
  return new KubeError('denied', `you may not ${what}: ${cause.message}`, { cause });
}

/** A watch in which nothing happens. */
async function* untilAborted({ signal, onOpen }: KubeRequest): AsyncGenerator<never> {
  onOpen?.();
  if (signal) await aborted(signal);
  yield* [];
}
