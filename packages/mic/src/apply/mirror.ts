// What MIC knows of the AzureAssignedIdentities: what it wrote in this term, and what it has read. It does not watch them, since it decides
// nothing by them: they are written for people, for kubectl and for the original's NMI.
import { isStuck } from '../plan/diff.ts';
import { isRecordNeeded } from '../plan/object-name.ts';
import { Records } from '../plan/records.ts';
import type { ClusterIndex } from '../snapshot/index/cluster-index.ts';
import { keyOf, namespaceOf, podOf } from '../snapshot/keys.ts';
import type { AssignedView, PodKey, PodView } from '../snapshot/views.ts';
import type { AssignedIdentityReader } from './assigned-identity-reader.ts';

type OnLeftovers = (views: readonly AssignedView[]) => Promise<unknown>;

export class Mirror extends Records {
  readonly #index: ClusterIndex;
  readonly #reader: AssignedIdentityReader;
  readonly #listeners = new Set<() => void>();
  /** Keys that were written or read since the last walk began: that may show what was there before. */
  #newer = new Set<string>();

  constructor(index: ClusterIndex, reader: AssignedIdentityReader) {
    super();
    this.#index = index;
    this.#reader = reader;
  }

  /** Called when pods are to be planned again. Returns a function that removes the listener. */
  readonly onChange = (listener: () => void): (() => void) => {
    this.#listeners.add(listener);
    return () => void this.#listeners.delete(listener);
  };

  /** To be called after each write of MIC. */
  wrote(view: AssignedView): void {
    this.#newer.add(keyOf(view));
    const isOther = (record: AssignedView | undefined) =>
      record && !isOf(this.#index.pod(podOf(record)), view);
    this.#replan([this.set(keyOf(view), view), view].filter(isOther));
  }

  /** To be called after each delete. Another object can have the name by now, and a pod can need the object since. */
  removed(view: AssignedView): void {
    const key = keyOf(view);
    this.#newer.add(key);
    const known = this.at(key);
    if (known?.uid !== view.uid) return;
    this.set(key, undefined);
    if (known !== view) this.#replan([known]);
  }

  /** Reads an object that is not as MIC knows it, and that it writes for this pod. Returns whether it exists. Throws KubeError. */
  async look(key: string, pod: PodKey, signal: AbortSignal): Promise<boolean> {
    const found = await this.#reader.get(key, signal);
    this.#newer.add(key);
    this.#found(key, found === 'unreadable' ? undefined : found && this.#asOf(pod, found));
    return found !== undefined;
  }

  /**
   * Reads all objects. Keeps those that pods need, and passes on the others, a page at a time: an editor can create any number. Throws
   * KubeError.
   */
  async walk(signal: AbortSignal, onLeftovers: OnLeftovers = () => Promise.resolve()): Promise<void> {
    this.#newer = new Set();
    const seen = new Set<string>();
    for await (const page of this.#reader.pages(signal)) {
      const leftovers = page.filter((view) => !this.#keep(view, seen));
      if (leftovers.length > 0) await onLeftovers(leftovers);
    }
    for (const key of this.keys()) if (!seen.has(key) && !this.#newer.has(key)) this.#found(key, undefined);
  }

  /** Returns false for an object to be removed. */
  #keep(view: AssignedView, seen: Set<string>): boolean {
    const key = keyOf(view);
    if (this.#newer.has(key)) return true;
    // What is known already is planned.
    const known = this.at(key);
    if (known === undefined && !isRecordNeeded(view, this.#index))
      return isStuck(view) || this.#index.unlisted.has(view.podNamespace);
    seen.add(key);
    if (known && !this.#index.pod(podOf(known))) this.#replan([known]);
    this.#found(key, known ? this.#asOf(podOf(known), view) : view);
    return true;
  }

  /** A record under the name that MIC gives to another pod is treated as that pod's record and rewritten, unless its own pod needs it. */
  #asOf(pod: PodKey, view: AssignedView): AssignedView {
    if (podOf(view) === pod || isRecordNeeded(view, this.#index)) return view;
    const podNamespace = namespaceOf(pod);
    return { ...view, podNamespace, podName: pod.slice(podNamespace.length + 1), meaning: '' };
  }

  #found(key: string, view: AssignedView | undefined): void {
    if (!isSame(this.at(key), view)) this.#replan([this.set(key, view), view]);
  }

  #replan(records: readonly (AssignedView | undefined)[]): void {
    for (const record of records) if (record) this.#index.recordChanged(record);
    if (records.length > 0) for (const listener of this.#listeners) listener();
  }
}

function isOf(pod: PodView | undefined, { podUid, nodeName }: AssignedView): boolean {
  return pod?.finished === false && pod.uid === podUid && pod.nodeName === nodeName;
}

function isSame(known: AssignedView | undefined, view: AssignedView | undefined): boolean {
  return known?.uid === view?.uid && known?.resourceVersion === view?.resourceVersion;
}
