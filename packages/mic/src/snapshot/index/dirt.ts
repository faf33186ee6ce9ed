// Changes since a host was last planned. A host can be dirty without dirty pods, for example after a pod has left it.
import type { HostKey } from './host-groups.ts';
import type { PodKey } from '../views.ts';

export class Dirt {
  readonly #pods = new Map<HostKey, Set<PodKey>>();

  hosts(): Iterable<HostKey> {
    return this.#pods.keys();
  }

  has(host: HostKey): boolean {
    return this.#pods.has(host);
  }

  touch(host: HostKey): Set<PodKey> {
    const pods = this.#pods.get(host) ?? new Set<PodKey>();
    this.#pods.set(host, pods);
    return pods;
  }

  mark(host: HostKey, pod: PodKey): void {
    this.touch(host).add(pod);
  }

  take(host: HostKey): ReadonlySet<PodKey> {
    const pods = this.#pods.get(host) ?? new Set<PodKey>();
    this.#pods.delete(host);
    return pods;
  }
}
