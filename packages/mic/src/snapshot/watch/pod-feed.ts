// One watch of pods with all their labels: of one namespace, or of the whole cluster for several namespaces.
import {
  coreKinds,
  createInformer,
  type Change,
  type Informer,
  type KubeAmbient,
} from '@pod-identity/kit/kube';
import { namespaceOf } from '../keys.ts';
import { memberOf, stringAt } from '../raw-object.ts';
import type { Trims } from '../trims.ts';
import type { PodView } from '../views.ts';
import type { HeldPod, LabelDesk, LabelMemory } from './label-memory.ts';

export type FeedScope = 'namespace' | 'cluster';

export interface FeedOptions extends KubeAmbient {
  readonly trims: Trims;
  readonly room: LabelMemory;
  readonly onListed: (feed: PodFeed) => void;
  readonly onChange: (change: Change<PodView>, feed: PodFeed) => void;
}

export class PodFeed {
  readonly scope: FeedScope;
  readonly #namespaces: Set<string>;
  readonly #informer: Informer<HeldPod>;
  readonly #desk: LabelDesk;
  readonly #end = new AbortController();
  readonly #changedAt = new Map<string, string | undefined>();
  #listedAt: string | undefined;

  /** Namespaces cannot be added later: the watch of the cluster keeps no pods of others. */
  constructor(options: FeedOptions, scope: FeedScope, namespaces: readonly string[]) {
    const { trims, room, onListed, onChange, ...tools } = options;
    this.scope = scope;
    this.#namespaces = new Set(namespaces);
    const [namespace = ''] = namespaces;
    this.#informer = createInformer<HeldPod>({
      ...tools,
      kind: coreKinds.pods,
      ...(scope === 'namespace' && { namespace }),
      trim: (raw) => this.#trim(raw, trims),
      indexes: { namespace: ({ pod }) => [pod.namespace] },
      onListed: () => this.#desk.retain((key) => this.#informer.store.get(key) !== undefined),
    });
    this.#desk = room.open((held, before) => {
      const key = `${held.pod.namespace}/${held.pod.name}`;
      // Otherwise the pod is from a list that is not complete yet.
      if (this.#informer.store.get(key) === held)
        onChange({ type: 'updated', key, before, after: held.pod }, this);
    });
    this.#informer.onChange((change) => {
      const namespace = namespaceOf(change.key);
      if (change.type === 'deleted') this.#desk.leave(change.before);
      // Pods of other namespaces may still be in the store; they are ignored.
      if (!this.#namespaces.has(namespace)) return;
      this.#changedAt.set(namespace, this.#informer.version());
      onChange(podChange(change), this);
    });
    void this.#informer.synced.then(() => {
      if (!this.isListed) return;
      this.#listedAt = this.#informer.version();
      onListed(this);
    });
  }

  get isListed(): boolean {
    return this.#informer.hasSynced();
  }

  get namespaces(): ReadonlySet<string> {
    return this.#namespaces;
  }

  /** Ends the watch with the last namespace. */
  drop(namespace: string): void {
    this.#namespaces.delete(namespace);
    this.#changedAt.delete(namespace);
    this.#desk.leaveAll(namespace);
    if (this.#namespaces.size === 0) this.#end.abort();
  }

  get(key: string): PodView | undefined {
    return this.#namespaces.has(namespaceOf(key)) ? this.#informer.store.get(key)?.pod : undefined;
  }

  pods(namespace: string): readonly PodView[] {
    if (!this.#namespaces.has(namespace)) return [];
    return this.#informer.store.by('namespace', namespace).map(({ pod }) => pod);
  }

  /** Whether it has all changes up to this version. */
  hasReached(other: string | undefined): boolean {
    const version = this.#informer.version();
    // Versions that are no numbers cannot be compared.
    return version !== undefined && !(Number(version) < Number(other));
  }

  /** The version of the last change in the namespace; events of other namespaces do not count. */
  versionOf(namespace: string): string | undefined {
    return this.#changedAt.get(namespace) ?? this.#listedAt;
  }

  lastHeardMs(): number {
    return this.#informer.lastHeardMs();
  }

  run(signal: AbortSignal): Promise<void> {
    return this.#informer.run(AbortSignal.any([signal, this.#end.signal]));
  }

  #trim(raw: unknown, trims: Trims): HeldPod | undefined {
    const metadata = memberOf(raw, 'metadata');
    if (!this.#namespaces.has(stringAt(metadata, 'namespace'))) return undefined;
    const pod = trims.wholePod(raw);
    return pod && this.#desk.fit(pod, stringAt(metadata, 'resourceVersion'));
  }
}

function podChange(change: Change<HeldPod>): Change<PodView> {
  const { type, key } = change;
  if (type === 'added') return { type, key, after: change.after.pod };
  if (type === 'deleted') return { type, key, before: change.before.pod };
  return { type, key, before: change.before.pod, after: change.after.pod };
}
