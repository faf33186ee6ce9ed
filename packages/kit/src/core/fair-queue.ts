import { largest } from './shares.ts';

/** Limits apply to the namespace first, since its editors can create any number of pods, then to the pod. */
export interface Tenant {
  readonly namespace: string;
  readonly pod: string;
}

export interface FairQueueLimits {
  /** Items of all namespaces, of one namespace and of one pod. */
  readonly total: number;
  readonly perNamespace: number;
  readonly perPod: number;
}

export type Added<T> =
  { readonly kind: 'full' } | { readonly kind: 'added'; readonly displaced?: T | undefined };

export type FairQueue<T extends object> = ReturnType<typeof createFairQueue<T>>;

interface Share<T> {
  size: number;
  /** In order of turns. */
  readonly pods: Map<string, Set<T>>;
}

/** A bounded queue that one namespace cannot fill for others. turns.ts says whose turn it is. */
export function createFairQueue<T extends object>(limits: FairQueueLimits) {
  const { shares, tenants, insert, remove } = createShares<T>();
  return {
    get size() {
      return tenants.size;
    },
    has: (namespace: string) => shares.has(namespace),
    /** Returns whose item it was; undefined if it was not in the queue. */
    remove,
    /**
     * `full` when the pod, its namespace or the whole queue is at its limit. If another pod or namespace has at least two items more, its
     * newest item is displaced instead.
     */
    add(tenant: Tenant, item: T): Added<T> {
      const room = roomFor(tenant, { shares, limits, size: tenants.size });
      if (room === 'none') return { kind: 'full' };
      if (room !== 'free') remove(room);
      insert(tenant, item);
      return { kind: 'added', displaced: room === 'free' ? undefined : room };
    },
    /** Takes the next item of the namespace: its pods take turns; the items of a pod come in order. */
    next(namespace: string): T | undefined {
      const pods = shares.get(namespace)?.pods;
      const [pod = '', items] = pods?.entries().next().value ?? [];
      const [item] = items ?? [];
      if (!pods || !items || !item) return undefined;
      remove(item);
      // After its turn.
      if (pods.delete(pod)) pods.set(pod, items);
      return item;
    },
  };
}

function createShares<T extends object>() {
  const shares = new Map<string, Share<T>>();
  const tenants = new Map<T, Tenant>();
  return {
    shares,
    tenants,
    insert: ({ namespace, pod }: Tenant, item: T): void => {
      const share = shares.get(namespace) ?? { size: 0, pods: new Map<string, Set<T>>() };
      shares.set(namespace, share);
      share.pods.set(pod, (share.pods.get(pod) ?? new Set<T>()).add(item));
      share.size += 1;
      tenants.set(item, { namespace, pod });
    },
    remove: (item: T): Tenant | undefined => {
      const tenant = tenants.get(item);
      const share = tenant && shares.get(tenant.namespace);
      const items = tenant && share?.pods.get(tenant.pod);
      if (!share || !items) return undefined;
      tenants.delete(item);
      items.delete(item);
      share.size -= 1;
      if (items.size === 0) share.pods.delete(tenant.pod);
      if (share.size === 0) shares.delete(tenant.namespace);
      return tenant;
    },
  };
}

interface State<T> {
  readonly shares: ReadonlyMap<string, Share<T>>;
  readonly limits: FairQueueLimits;
  readonly size: number;
}

/** The item to displace for a new one, if any. */
function roomFor<T extends object>({ namespace, pod }: Tenant, state: State<T>): T | 'free' | 'none' {
  const { shares, limits, size } = state;
  const mine = shares.get(namespace) ?? none;
  const own = mine.pods.get(pod)?.size ?? 0;
  if (own >= limits.perPod) return 'none';
  if (mine.size >= limits.perNamespace) return newestOfOthers(mine, own);
  if (size < limits.total) return 'free';
  const heaviest = largest(shares.values(), sizeOf) ?? none;
  return heaviest.size > mine.size + 1 ? newest(heaviestPod(heaviest)) : newestOfOthers(mine, own);
}

const none: Share<never> = { size: 0, pods: new Map() };

/** The newest item of the pod with most, if it has at least two more than `own`. */
function newestOfOthers<T>(share: Share<T>, own: number): T | 'none' {
  const items = heaviestPod(share);
  return items.size > own + 1 ? newest(items) : 'none';
}

function heaviestPod<T>({ pods }: Share<T>): ReadonlySet<T> {
  return largest(pods.values(), sizeOf) ?? new Set();
}

function newest<T>(items: ReadonlySet<T>): T | 'none' {
  return [...items].at(-1) ?? 'none';
}

const sizeOf = ({ size }: { readonly size: number }) => size;
