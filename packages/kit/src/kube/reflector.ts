import type { Clock } from '../core/clock.ts';
import type { Log } from '../serve/log.ts';
import { KubeError, silence } from './errors.ts';
import type { ResourceKind } from './kinds.ts';
import { readList, type ListRequest } from './list.ts';
import {
  createNamespaceSums,
  createOldest,
  weigh,
  type NamespaceSums,
  type Weighed,
} from './namespace-sums.ts';
import { collectionPath, field, keyText, metadataOf, textField } from './object.ts';
import type { Change, Versioned, WritableStore } from './store.ts';
import type { KubeRequest, KubeTransport } from './transport.ts';
import { createWantedNamespaces, type Fill } from './wanted-namespaces.ts';

export interface ReflectorOptions<V> {
  readonly clock: Clock;
  readonly transport: KubeTransport;
  readonly random: () => number;
  readonly log?: Log;
  readonly kind: ResourceKind;
  readonly namespace?: string;
  readonly labelSelector?: string;
  readonly fieldSelector?: string;
  /** Returns the part of an object to keep; undefined leaves the object out. */
  readonly trim: (object: unknown) => V | undefined;
  /** Limits what is kept of each namespace, by the JSON of the specs; default: no limit. */
  readonly namespaceBytes?: number | undefined;
  /** Keeps objects of those namespaces only that were passed to `want`. */
  readonly onlyWanted?: boolean;
  /** Objects per page of a list; default 500. Reduced after a page was too large for the API server. */
  readonly pageSize?: number;
  /** For programs on every node: lists come from the API server's cache where possible. */
  readonly isPerNode?: boolean;
  /** Called after each complete list, after the listeners were called with its changes. */
  readonly onListed?: () => void;
}

/**
 * The server is asked to end each watch after 60 to 80 s, at different times. Longer watches could not be told from those of a server that
 * hangs: for a kind that had no event yet, v1.20 sends no bookmarks at all and v1.36 the first one after two minutes (measured), but each
 * ends a watch in time.
 */
const watchSeconds = { least: 60, more: 20 };
/** Detects within 90 s a connection over which nothing comes. TCP keep-alive detects most of these sooner. */
const silenceMs = 88_000;
const defaultPageSize = 500;
/** 75 MB of the largest possible objects. */
const smallestPage = 50;
/** Minimum time between lists that may find that other objects count. */
const relistMs = 60_000;

interface Kept<V> extends Weighed {
  readonly item: Versioned<V>;
}
const unweighed = { createdAt: '', bytes: 0 };

/** Copies the API server's objects into a store by lists and watches. */
export class Reflector<V> {
  /** Of the store; a watch resumes there. */
  version: string | undefined;
  /** The version can't be resumed from. The store keeps its content until the list. */
  needsList = true;
  isListed = false;
  /** Whether a list or an event came; set to false by the caller. */
  hasHeard = false;
  /** Time of the last list, event or end of a watch. Not of its beginning, so that a server that accepts watches and is silent counts as silent. */
  heardAt = -Infinity;
  /** When the server accepted the watch; undefined while none is open. */
  openedAt: number | undefined;
  readonly #options: ReflectorOptions<V>;
  readonly #contents: WritableStore<V>;
  readonly #apply: (changes: readonly Change<V>[]) => void;
  readonly #wanted;
  /** Objects per page of a list. */
  #pageSize: number;
  /** The next list comes from the database. */
  #isDoubted = false;
  #listedAt = -Infinity;
  #sums: NamespaceSums;

  constructor(
    options: ReflectorOptions<V>,
    contents: WritableStore<V>,
    apply: (changes: readonly Change<V>[]) => void,
  ) {
    this.#options = options;
    this.#contents = contents;
    this.#apply = apply;
    this.#pageSize = options.pageSize ?? defaultPageSize;
    this.#sums = this.#newSums();
    this.#wanted = createWantedNamespaces({
      ...options,
      fill: (namespace, how) => this.#readNamespace(namespace, how),
    });
  }

  /** Number of namespaces with objects that don't count. */
  fullNamespaces(): number {
    return this.#sums.full();
  }

  /** With `onlyWanted`: keeps the objects of the namespace from now on. Resolves when they are in the store. */
  want(namespace: string): Promise<void> {
    return this.#wanted.add(namespace);
  }

  /** Removes the objects of the namespace, and keeps none from now on. */
  unwant(namespace: string): void {
    this.#wanted.remove(namespace);
    this.#drop(namespace);
  }

  /** A list if needed, then a watch until the server ends it. */
  async listAndWatch(signal: AbortSignal): Promise<void> {
    if (this.needsList) {
      await this.#list(signal);
      this.#options.onListed?.();
    }
    await this.#watch(signal);
  }

  async #list(signal: AbortSignal): Promise<void> {
    const listEnds = this.#wanted.listBegins();
    const { kept, version } = await this.#read({ ...this.#origin(), signal }).catch((error: unknown) => {
      this.#doubtOrigin(error);
      throw error;
    });
    this.#isDoubted = false;
    this.#hear();
    this.#sums = this.#newSums();
    const counting = [...kept.all()].filter((one) => this.#sums.put(one));
    Object.assign(this, { version, needsList: false, isListed: true });
    this.#listedAt = this.#options.clock.elapsed();
    this.#apply(this.#contents.replaceAll(counting.map(({ item }) => item)));
    for (const givenUp of listEnds()) this.#drop(givenUp);
  }

  async #watch(signal: AbortSignal): Promise<void> {
    const { clock, transport } = this.#options;
    this.#wanted.canFill(signal);
    const onOpen = () => void (this.openedAt = clock.elapsed());
    try {
      for await (const event of transport.watch({ ...this.#watchRequest(signal), onOpen })) {
        this.#hear();
        const changes = this.#take(event);
        this.version = eventVersion(event) ?? this.version;
        this.#apply(changes);
      }
      if (!signal.aborted) this.heardAt = clock.elapsed();
    } finally {
      if (this.#sums.mayHaveSpace && clock.elapsed() - this.#listedAt >= relistMs) this.needsList = true;
    }
  }

  #hear(): void {
    this.hasHeard = true;
    this.heardAt = this.#options.clock.elapsed();
  }

  #take(event: unknown): readonly Change<V>[] {
    const type = field(event, 'type');
    const object = field(event, 'object');
    if (type === 'BOOKMARK') return [];
    const metadata = metadataOf(object);
    if (!metadata)
      throw new KubeError('transport', `a watch event of type ${String(type)} has no named object`);
    const key = keyText(metadata);
    this.#wanted.touched(metadata.namespace ?? '', key);
    const kept = type === 'DELETED' ? undefined : this.#keep(object);
    if (kept) return this.#put(kept);
    this.#sums.remove(key);
    return this.#contents.remove(key);
  }

  #put(kept: Kept<V>): readonly Change<V>[] {
    return this.#sums.put(kept) ? this.#contents.put(kept.item) : this.#contents.remove(kept.key);
  }

  /** Undefined for an object that is left out, or whose trimming fails: it is treated as missing. */
  #keep(object: unknown): Kept<V> | undefined {
    const { trim, kind, log, namespaceBytes, onlyWanted = false } = this.#options;
    const metadata = metadataOf(object);
    if (!metadata || (onlyWanted && !this.#wanted.has(metadata.namespace ?? ''))) return undefined;
    const key = keyText(metadata);
    try {
      const view = trim(object);
      if (view === undefined) return undefined;
      const { uid, resourceVersion } = metadata;
      const weight = namespaceBytes === undefined ? unweighed : weigh(object);
      return { key, uid, ...weight, item: { key, uid, resourceVersion, view } };
    } catch (error) {
      log?.error({ error, kind: kind.kind, key }, 'an object could not be read and is left out');
      return undefined;
    }
  }

  #drop(namespace: string): void {
    this.#sums.forget(namespace);
    this.#apply(this.#contents.keysOf(namespace).flatMap((key) => this.#contents.remove(key)));
  }

  #newSums(): NamespaceSums {
    const { namespaceBytes = Infinity, kind, log } = this.#options;
    return createNamespaceSums(namespaceBytes, (namespace, object) =>
      log?.warn({ kind: kind.kind, namespace, namespaceBytes, object }, fullText),
    );
  }

  async #read(how: Pick<ListRequest, 'pageSize' | 'signal'> & Partial<ListRequest>) {
    const kept = createOldest<Kept<V>>(this.#options.namespaceBytes ?? Infinity);
    const receiver = {
      begin: () => kept.clear(),
      take: (object: unknown) => {
        const found = this.#keep(object);
        // For an unchanged object, keeps the view that is in the store already: otherwise a list would need the heap twice.
        if (found) kept.add({ ...found, item: this.#contents.same(found.item) ?? found.item });
      },
    };
    const version = await readList({ ...this.#options, ...how }, receiver);
    return { kept, version };
  }

  /**
   * Objects of one namespace, but for those of which the watch knows more by now. From the database: old servers never serve a version from
   * their cache that an idle kind has not reached, and refuse it after 3 s.
   */
  async #readNamespace(namespace: string, { signal, isTouched }: Fill): Promise<void> {
    const { pageSize = defaultPageSize } = this.#options;
    const { kept } = await this.#read({ pageSize, namespace, signal });
    for (const one of kept.all()) if (!isTouched(one.key)) this.#apply(this.#put(one));
  }

  /**
   * Thousands of agents may list at once, so reads of the database are avoided. An agent's first list of its node's pods may be of any
   * version: the API server's cache has an index for it, and the watch that follows catches up. A later list must not go back in time, so
   * it names the version of the store. Objects that grant rights are first read from the database: the cache may still have revoked ones.
   */
  #origin(): Pick<ListRequest, 'resourceVersion' | 'pageSize'> {
    const { isPerNode = false, fieldSelector } = this.#options;
    const pageSize = this.#pageSize;
    if (!isPerNode || this.#isDoubted) return { pageSize };
    // With a page size, a version would mean exactly that version.
    if (this.version !== undefined) return { resourceVersion: this.version, pageSize: undefined };
    return fieldSelector === undefined ? { pageSize } : { resourceVersion: '0', pageSize };
  }

  /**
   * The API server builds a whole response before it sends the first byte; with large objects that can exceed the timeout. The cache
   * returns one response, the database pages. "Too large resource version" is a 504: after a restore of the database, versions are lower.
   */
  #doubtOrigin(error: unknown): void {
    if (!(error instanceof KubeError)) return;
    const isSilence = error.reason === silence;
    this.#isDoubted = isSilence || error.status === 504 || /^(gone|invalid)$/.test(error.code);
    if (isSilence) this.#pageSize = Math.min(this.#pageSize, Math.max(smallestPage, this.#pageSize >> 2));
  }

  #watchRequest(signal: AbortSignal): KubeRequest {
    const { kind, namespace, labelSelector, fieldSelector, random } = this.#options;
    return {
      method: 'GET',
      path: collectionPath(kind, namespace),
      query: {
        watch: 'true',
        allowWatchBookmarks: 'true',
        resourceVersion: this.version,
        timeoutSeconds: Math.floor(watchSeconds.least + watchSeconds.more * random()).toString(),
        labelSelector,
        fieldSelector,
      },
      timeoutMs: silenceMs,
      signal,
    };
  }
}

const fullText =
  'a namespace has more objects than count (--namespace-share): the oldest count, and this and later ones do not';

function eventVersion(event: unknown): string | undefined {
  const version = textField(field(field(event, 'object'), 'metadata'), 'resourceVersion');
  return version === '' ? undefined : version;
}
