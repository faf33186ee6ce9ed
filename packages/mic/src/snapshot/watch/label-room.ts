// Limits the memory for labels of pods, since whoever creates pods decides their size.
import type { PodView } from '../views.ts';

/** For one namespace: the labels of 20,000 pods with 400 characters each. */
const mostCharacters = 8 * 1024 * 1024;
/** For all namespaces together: a seventh of the heap in the manifest. */
const mostInAll = 48 * 1024 * 1024;

export interface LabelRoom {
  /** The pod, without its labels if there is no room for them. */
  fit(pod: PodView | undefined): PodView | undefined;
  /** To be called when the pod is deleted. */
  leave(namespace: string, name: string): void;
  leaveAll(namespace: string): void;
}

export function createLabelRoom(most = { ofNamespace: mostCharacters, inAll: mostInAll }): LabelRoom {
  const sizes = new Map<string, Map<string, number>>();
  const used = new Map<string, number>();
  let all = 0;

  const resize = (namespace: string, name: string, size: number) => {
    const pods = sizes.get(namespace) ?? new Map<string, number>();
    const change = size - (pods.get(name) ?? 0);
    if (size === 0) pods.delete(name);
    else pods.set(name, size);
    all += change;
    used.set(namespace, (used.get(namespace) ?? 0) + change);
    sizes.set(namespace, pods);
    if (pods.size > 0) return;
    sizes.delete(namespace);
    used.delete(namespace);
  };

  return {
    fit(pod) {
      if (pod === undefined) return undefined;
      const { namespace, name, labels, ...rest } = pod;
      if (labels === undefined) {
        resize(namespace, name, 0);
        return pod;
      }
      const size = sizeOf(labels);
      const before = sizes.get(namespace)?.get(name) ?? 0;
      const isRoom =
        (used.get(namespace) ?? 0) - before + size <= most.ofNamespace && all - before + size <= most.inAll;
      resize(namespace, name, isRoom ? size : 0);
      return isRoom ? pod : { namespace, name, ...rest };
    },
    leave: (namespace, name) => resize(namespace, name, 0),
    leaveAll(namespace) {
      for (const name of [...(sizes.get(namespace)?.keys() ?? [])]) resize(namespace, name, 0);
    },
  };
}

function sizeOf(labels: Readonly<Record<string, string>>): number {
  let size = 0;
  for (const [key, value] of Object.entries(labels)) size += key.length + value.length + 8;
  return size;
}
