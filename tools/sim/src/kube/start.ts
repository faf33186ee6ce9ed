import { randomUUID } from 'node:crypto';
import { createFaults, type Faults } from '../http/faults.ts';
import { createJournal, type Journal } from '../http/journal.ts';
import { startListener, type HttpRequest } from '../http/server.ts';
import { createAccountTokens } from './account-tokens.ts';
import { createApiServer } from './api-server.ts';
import { createGuard } from './authorize.ts';
import { createDiscovery } from './discovery.ts';
import { runLifecycle } from './lifecycle.ts';
import type { KubeObject } from './object.ts';
import { toObject } from './record.ts';
import { createReader } from './reader.ts';
import { createRights } from './rights.ts';
import { createRegistry, type Registry } from './registry.ts';
import { createResourceTypes, idOf, type ResourceType, type ResourceTypes } from './resources.ts';
import { createStorage, type Storage } from './storage.ts';
import { createWatches, type After } from './watch.ts';

export interface KubeOptions {
  readonly now?: () => number;
  readonly newUid?: () => string;
  readonly random?: () => number;
  /** The timers of watches. */
  readonly after?: After;
  /** Between bookmarks; 60 s when absent. */
  readonly bookmarkMs?: number;
  /** Changes that are kept for each resource; 10 000 when absent. */
  readonly historyLimit?: number;
  /** `instant` (default): deleted pods end at once. `manual`: they stay, terminating, until deleted with a grace period of 0. */
  readonly podTermination?: 'instant' | 'manual';
  /** Namespaces beside `default`, `kube-system` and `kube-public`. */
  readonly namespaces?: readonly string[];
}

export interface KubeSim {
  readonly url: string;
  /** A kubeconfig for this server, as YAML: an administrator's, or with the rights of a ServiceAccount, `namespace/name`. */
  kubeconfig(account?: string): string;
  /** Rights that a ServiceAccount has made use of, such as `patch azureidentities.aadpodidentity.k8s.io/status`; sorted. */
  usedRights(account: string): readonly string[];
  readonly storage: Storage;
  readonly journal: Journal;
  readonly faults: Faults;
  /** The object; undefined when there is none. @param resource `pods`, `azureidentities` or with its group. */
  get(resource: string, name: string, namespace?: string): KubeObject | undefined;
  /** All current objects of a resource. */
  list(resource: string, namespace?: string): readonly KubeObject[];
  /** Stores objects unchanged, with status, without HTTP, which is fast. Definitions come before their objects. */
  seed(objects: Iterable<KubeObject>): void;
  /** Resolves when the predicate is true; it is called after each change. */
  until(predicate: (kube: KubeSim) => boolean): Promise<void>;
  /** Watches from earlier versions and lists with unread pages get 410. */
  compact(): void;
  dropWatches(): void;
  /** Half-open connections: no bytes, no end. */
  stallWatches(isStalled: boolean): void;
  /** Makes the open watches half-open for good: no bytes, no end. Later ones work. */
  strandWatches(): void;
  /** Sends bookmarks now to all watches that requested them. */
  sendBookmarks(): void;
  readonly openWatches: number;
  readonly pause: () => void;
  readonly resume: () => void;
  readonly stopListening: () => Promise<void>;
  readonly startListening: () => Promise<void>;
  stop(): Promise<void>;
}

const realAfter: After = (ms, run) => {
  const timer = setTimeout(run, ms).unref();
  return () => clearTimeout(timer);
};

const userNamed = (account: string): string => `system:serviceaccount:${account.replace('/', ':')}`;

const kubeconfigFor = (url: string, account?: string): string =>
  [
    ...['apiVersion: v1', 'kind: Config', 'current-context: simulator'],
    ...['clusters:', '  - name: simulator', '    cluster:', `      server: ${url}`],
    ...[
      'users:',
      '  - name: simulator',
      '    user:',
      `      token: ${account === undefined ? 'simulator' : userNamed(account)}`,
    ],
    ...[
      'contexts:',
      '  - name: simulator',
      '    context:',
      '      cluster: simulator',
      '      user: simulator',
      '',
    ],
  ].join('\n');

/** Bodies for the journal, except those that may contain secrets. */
const journalBody = ({ path, method, body }: HttpRequest): string | undefined =>
  method === 'GET' || /\/(secrets|token|tokenreviews)(\/|$)/.test(path) ? undefined : body;

/** The server without a socket. */
function assemble(options: KubeOptions, url: () => string) {
  const now = options.now ?? Date.now;
  const storage = createStorage(options.historyLimit);
  const types = createResourceTypes();
  const watches = createWatches({
    storage,
    after: options.after ?? realAfter,
    bookmarkMs: options.bookmarkMs ?? 60_000,
  });
  const registry = createRegistry(storage, {
    now,
    newUid: options.newUid ?? randomUUID,
    random: options.random ?? Math.random,
    keepsTerminatingPods: options.podTermination === 'manual',
  });
  runLifecycle({ storage, registry, types });
  const reader = createReader({ storage, watches, now });
  const rights = createRights(storage);
  const guard = createGuard(rights);
  const discovery = createDiscovery(types);
  const { get } = objectsOf(storage, types);
  const find = (plural: string, { name, namespace }: { name: string; namespace: string }) =>
    get(plural, name, namespace);
  const tokens = createAccountTokens({ now, issuer: url, find });
  const handle = createApiServer({ types, registry, reader, discovery, rights, guard, tokens });
  return { storage, types, watches, registry, guard, handle };
}

function typeNamed(types: ResourceTypes, id: string): ResourceType {
  const type = types.findId(id);
  if (!type)
    throw new TypeError(`the simulated API server has no resource ${id}: was its definition posted?`);
  return type;
}

function seed(types: ResourceTypes, registry: Registry, objects: Iterable<KubeObject>): void {
  for (const object of objects) {
    const type = types.findKind(object.apiVersion ?? '', object.kind ?? '');
    if (!type)
      throw new TypeError(
        `the simulated API server knows no ${object.apiVersion ?? ''} ${object.kind ?? ''}`,
      );
    registry.seed(type, object);
  }
}

const namespace = (name: string): KubeObject => ({
  apiVersion: 'v1',
  kind: 'Namespace',
  metadata: { name },
  spec: { finalizers: ['kubernetes'] },
  status: { phase: 'Active' },
});

function objectsOf(storage: Storage, types: ResourceTypes): Pick<KubeSim, 'get' | 'list'> {
  return {
    get: (resource, name, of = '') => {
      const type = typeNamed(types, resource);
      const stored = storage.collection(idOf(type)).get(of, name);
      return stored && toObject(type, stored);
    },
    list: (resource, of) => {
      const type = typeNamed(types, resource);
      const stored = storage.collection(idOf(type)).list(of);
      return stored.map((one) => toObject(type, one));
    },
  };
}

/** An API server on loopback. */
export async function startKube(
  options: KubeOptions = {},
  { journal = createJournal(), faults = createFaults() }: { journal?: Journal; faults?: Faults } = {},
): Promise<KubeSim> {
  const { storage, types, watches, registry, guard, handle } = assemble(options, () => listener.url);
  const namespaces = ['default', 'kube-system', 'kube-public', ...(options.namespaces ?? [])];
  seed(types, registry, namespaces.map(namespace));
  const listener = await startListener({ service: 'kube', handle, journal, faults, journalBody });
  const { url, pause, resume, stopListening, startListening } = listener;
  const kube: KubeSim = {
    url,
    storage,
    journal,
    faults,
    pause,
    resume,
    stopListening,
    startListening,
    kubeconfig: (account) => kubeconfigFor(url, account),
    usedRights: (account) => guard.usedBy(userNamed(account)),
    ...objectsOf(storage, types),
    seed: (objects) => seed(types, registry, objects),
    until: (predicate) => until(storage, () => predicate(kube)),
    compact: () => storage.compact(),
    dropWatches: () => watches.drop(),
    stallWatches: (isStalled) => watches.stall(isStalled),
    strandWatches: () => watches.strand(),
    sendBookmarks: () => watches.bookmark(),
    get openWatches(): number {
      return watches.open;
    },
    stop: () => listener.close(),
  };
  return kube;
}

function until(storage: Storage, holds: () => boolean): Promise<void> {
  if (holds()) return Promise.resolve();
  return new Promise((resolve) => {
    const forget = storage.onChange(() => {
      if (!holds()) return;
      forget();
      resolve();
    });
  });
}
