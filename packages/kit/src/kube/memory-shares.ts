// Limits how many objects of a namespace are kept. The result depends on the objects only, not on their order of arrival.
import { createLastFirst, type LastFirst } from '../core/last-first.ts';

export interface Weighed {
  readonly key: string;
  readonly namespace: string;
  /** Set by the API server; users cannot change it. */
  readonly createdAt: string;
  /** In the heap. */
  readonly bytes: number;
}

export interface Share {
  /** Limit of one namespace. */
  readonly namespaceBytes: number;
  /** Limit of all together: the excess is taken from the namespaces that hold most. */
  readonly totalBytes: number;
}

/** Heap of the entries for an object in the store, its indexes and the room. */
const overheadBytes = 256;

interface Tenant {
  readonly objects: Map<string, Weighed>;
  readonly order: LastFirst<Weighed>;
  bytes: number;
  /** The first in order that is left out. None after it is kept, so that the order of arrival does not matter. */
  firstOut: Weighed | undefined;
}

/** Keeps the oldest objects of each namespace, up to its share: later objects displace no earlier ones. */
export class MemoryShares {
  /** Whether objects of namespaces with left out ones were removed, so that those could take their place. */
  hasSpace = false;
  readonly #share: Share;
  readonly #tenants = new Map<string, Tenant>();
  #total = 0;

  constructor(share: Share) {
    this.#share = share;
  }

  /** Returns the keys that are now left out; the object's own may be among them. */
  put(object: Weighed): readonly string[] {
    const tenant = this.#tenantOf(object.namespace);
    const before = tenant.objects.get(object.key);
    if (before) this.#drop(tenant, before);
    if (tenant.firstOut && !goesFirst(object, tenant.firstOut)) return [object.key];
    tenant.objects.set(object.key, object);
    tenant.order.add(object);
    this.#count(tenant, costOf(object));
    const out: string[] = [];
    for (let over = this.#overfull(tenant); over; over = this.#overfull(tenant)) {
      const last = over.order.last();
      if (!last) break;
      this.#drop(over, last);
      over.firstOut = last;
      out.push(last.key);
    }
    return out;
  }

  remove(key: string): void {
    const namespace = key.slice(0, Math.max(0, key.indexOf('/')));
    const tenant = this.#tenants.get(namespace);
    const object = tenant?.objects.get(key);
    if (!tenant || !object) return;
    this.#drop(tenant, object);
    if (tenant.firstOut) this.hasSpace = true;
    else if (tenant.objects.size === 0) this.#tenants.delete(namespace);
  }

  /** Removes all objects of the namespace, as if none had been put. */
  forget(namespace: string): void {
    const tenant = this.#tenants.get(namespace);
    if (!tenant) return;
    this.#tenants.delete(namespace);
    this.#total -= tenant.bytes;
    for (const { firstOut } of this.#tenants.values()) this.hasSpace ||= firstOut !== undefined;
  }

  /** Whether objects of this namespace are left out. */
  isOver(namespace: string): boolean {
    return this.#tenants.get(namespace)?.firstOut !== undefined;
  }

  #tenantOf(namespace: string): Tenant {
    const known = this.#tenants.get(namespace);
    if (known) return known;
    const objects = new Map<string, Weighed>();
    const set = { counts: (one: Weighed) => objects.get(one.key) === one, size: () => objects.size };
    const order = createLastFirst(goesFirst, set);
    const tenant: Tenant = { objects, order, bytes: 0, firstOut: undefined };
    this.#tenants.set(namespace, tenant);
    return tenant;
  }

  #count(tenant: Tenant, bytes: number): void {
    tenant.bytes += bytes;
    this.#total += bytes;
  }

  #drop(tenant: Tenant, object: Weighed): void {
    tenant.objects.delete(object.key);
    this.#count(tenant, -costOf(object));
  }

  #overfull(tenant: Tenant): Tenant | undefined {
    if (tenant.bytes > this.#share.namespaceBytes) return tenant;
    return this.#total > this.#share.totalBytes ? largest(this.#tenants) : undefined;
  }
}

const costOf = ({ bytes }: Weighed) => bytes + overheadBytes;

function goesFirst(one: Weighed, other: Weighed): boolean {
  return one.createdAt === other.createdAt ? one.key < other.key : one.createdAt < other.createdAt;
}

/** Of equally large ones the first by name, independent of arrival. */
function largest(tenants: ReadonlyMap<string, Tenant>): Tenant | undefined {
  let found: readonly [string, Tenant] | undefined;
  for (const entry of tenants) {
    const [name, { bytes }] = entry;
    if (bytes > 0 && (!found || bytes > found[1].bytes || (bytes === found[1].bytes && name < found[0])))
      found = entry;
  }
  return found?.[1];
}
