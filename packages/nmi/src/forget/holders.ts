import type { Tenant } from '@pod-identity/kit/core';
import { keyOf } from '../tokens/memory.ts';
import { createShares, type Shared } from '../tokens/shares.ts';
import type { MachineSubject, ServicePrincipal, TokenSubject } from '../tokens/types.ts';

type SecretReference = ServicePrincipal['secret'];

/** What tokens are of, without what was only needed to request them. */
export interface Thing {
  /** `keyOf` the subject. */
  readonly key: string;
  /** Of a service principal. */
  readonly secret?: SecretReference;
  /** What an exempt pod requested of the machine. */
  readonly machine?: MachineSubject;
}

/** A pod, and what it requested tokens of. */
export interface Holder {
  readonly tenant: Tenant;
  readonly held: ReadonlyMap<string, unknown>;
}

export interface Holders {
  /** Returns the pod if it did not hold this before. */
  hold(subject: TokenSubject, tenant: Tenant): Holder | undefined;
  holds(subject: TokenSubject): boolean;
  holdsSecret(secret: SecretReference): boolean;
  of(uid: string): Holder | undefined;
  namespaces(): Iterable<string>;
  in(namespace: string): Iterable<Holder>;
  /** The pod no longer holds anything else. */
  keep(holder: Holder, mayUse: (thing: Thing) => boolean): void;
}

interface Held extends Shared {
  readonly holder: Keeper;
  readonly thing: HeldThing;
}
interface HeldThing extends Thing {
  readonly holders: Set<Keeper>;
}
interface Keeper extends Holder {
  readonly held: Map<string, Held>;
}

/**
 * Of all pods of the node, a sixteenth of the heap in the manifest: 100 identities of each of 100 pods. Beyond that the namespace with most
 * loses its oldest.
 */
const charactersKept = 4 * 1024 * 1024;
/** Of each one beside its key. */
const overhead = 200;

/** Which pods of the node hold what. `onReleased` is called when the last pod does not hold it any more. */
export function createHolders(onReleased: (thing: Thing) => void, kept = charactersKept): Holders {
  const things = new Map<string, HeldThing>();
  const secrets = createCounts();
  const pods = createKeepers();
  const shares = createShares<Held>({ perNamespace: Infinity, total: kept });

  const enter = (holder: Keeper, subject: TokenSubject, key: string) => {
    const thing = things.get(key) ?? { ...describe(subject, key), holders: new Set() };
    if (thing.holders.size === 0) secrets.count(thing, 1);
    things.set(key, thing);
    const { namespace } = holder.tenant;
    const held: Held = { namespace, weight: key.length + overhead, holder, thing };
    holder.held.set(key, held);
    thing.holders.add(holder);
    for (const one of shares.add(held)) release(one);
  };
  const release = (held: Held) => {
    const { holder, thing } = held;
    shares.remove(held);
    holder.held.delete(thing.key);
    thing.holders.delete(holder);
    if (holder.held.size === 0) pods.remove(holder);
    if (thing.holders.size > 0) return;
    things.delete(thing.key);
    secrets.count(thing, -1);
    onReleased(thing);
  };

  return {
    hold(subject, tenant) {
      const key = keyOf(subject);
      if (pods.of(tenant.pod)?.held.has(key)) return undefined;
      const holder = pods.add(tenant);
      enter(holder, subject, key);
      return holder;
    },
    holds: (subject) => things.has(keyOf(subject)),
    holdsSecret: (secret) => secrets.has(secret),
    of: (uid) => pods.of(uid),
    namespaces: () => pods.namespaces(),
    in: (namespace) => pods.in(namespace),
    keep({ tenant }, mayUse) {
      for (const held of pods.of(tenant.pod)?.held.values() ?? []) if (!mayUse(held.thing)) release(held);
    },
  };
}

function describe(subject: TokenSubject, key: string): Thing {
  if (subject.kind === 'machine') return { key, machine: subject };
  return subject.kind === 'service-principal' ? { key, secret: subject.secret } : { key };
}

/** How many things need a Secret. */
function createCounts() {
  const counts = new Map<string, number>();
  const nameOf = ({ namespace, name }: SecretReference) => `${namespace}/${name}`;
  return {
    has: (secret: SecretReference) => counts.has(nameOf(secret)),
    count({ secret }: Thing, by: 1 | -1) {
      if (!secret) return;
      const left = (counts.get(nameOf(secret)) ?? 0) + by;
      if (left === 0) counts.delete(nameOf(secret));
      else counts.set(nameOf(secret), left);
    },
  };
}

function createKeepers() {
  const byUid = new Map<string, Keeper>();
  const byNamespace = new Map<string, Set<Keeper>>();
  return {
    of: (uid: string) => byUid.get(uid),
    namespaces: () => byNamespace.keys(),
    in: (namespace: string): Iterable<Keeper> => byNamespace.get(namespace) ?? [],
    add(tenant: Tenant): Keeper {
      const known = byUid.get(tenant.pod);
      if (known) return known;
      const keeper: Keeper = { tenant, held: new Map() };
      byUid.set(tenant.pod, keeper);
      const { namespace } = tenant;
      byNamespace.set(namespace, (byNamespace.get(namespace) ?? new Set<Keeper>()).add(keeper));
      return keeper;
    },
    remove(keeper: Keeper) {
      const { namespace, pod } = keeper.tenant;
      byUid.delete(pod);
      const others = byNamespace.get(namespace);
      others?.delete(keeper);
      if (others?.size === 0) byNamespace.delete(namespace);
    },
  };
}
