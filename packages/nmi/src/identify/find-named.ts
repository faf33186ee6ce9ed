import type { Clock } from '@pod-identity/kit/core';
import { isNoResponse, type PodCheck, type NoResponse } from './results.ts';
import { type PodName, type PodReader } from './holder-lookup.ts';
import { identifyPod } from './identify-pod.ts';
import type { PodView } from './pod-view.ts';

export interface NamedPodFinderOptions {
  readonly pods: Pick<PodReader, 'read'> & {
    named(namespace: string, name: string): PodView | undefined;
    isCurrent(): boolean;
    lastHeardMs(): number;
    missedMs(): number;
  };
  readonly node: string;
  readonly check: PodCheck;
  readonly clock: Clock;
}

/** `unconfirmed`: it is in memory, but the API server, which must confirm it, did not answer. */
export type NamedPod = PodView | 'none' | 'unconfirmed';
export type NamedPodFinder = ReturnType<typeof createNamedPodFinder>;

/** For namespaces and pods; any other text could lead to another path of the API server. */
const isName = (text: string) => /^[a-z0-9][-a-z0-9.]{0,252}$/.test(text);

/**
 * Finds the live pod of this node with a name. The API server is asked first: the watch may not have reported a pod yet whose
 * volumes are being mounted, and a name can be reused.
 */
export function createNamedPodFinder({ pods, node, check, clock }: NamedPodFinderOptions) {
  const live = (pod: PodView | undefined): NamedPod =>
    pod?.nodeName === node && identifyPod([pod], clock.now()).kind === 'pod' ? pod : 'none';

  const isRemembered = () => pods.lastHeardMs() <= check.outageMs && pods.missedMs() <= check.ageMs;
  const isMemoryValid = ({ why }: NoResponse) => why === 'away' && isRemembered();

  const read = async (name: PodName, known: PodView | undefined): Promise<NamedPod> => {
    const said = await pods.read(name);
    if (isNoResponse(said)) return known && !isMemoryValid(said) ? 'unconfirmed' : live(known);
    const pod = live(said[0]);
    const isSame = pod !== 'none' && pod !== 'unconfirmed' && pod.uid === known?.uid;
    // Memory has the latest labels, unless the watch is silent.
    return isSame && pods.isCurrent() ? known : pod;
  };

  return {
    async find(namespace: string, name: string): Promise<NamedPod> {
      if (!isName(namespace) || !isName(name)) return 'none';
      return read({ namespace, name }, pods.named(namespace, name));
    },
  };
}
