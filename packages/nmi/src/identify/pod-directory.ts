import {
  createInformer,
  coreKinds,
  KubeError,
  type Informer,
  type KubeTransport,
} from '@pod-identity/kit/kube';
import type { Clock } from '@pod-identity/kit/core';
import type { Log } from '@pod-identity/kit/serve';
import type { PodDirectory } from './find-caller.ts';
import { parsePod, type PodView } from './pod-view.ts';

export interface PodInformerOptions {
  readonly transport: KubeTransport;
  readonly node: string;
  readonly clock: Clock;
  readonly random: () => number;
  readonly log: Log;
  /** Told of every live question that the API server did not answer. */
  readonly onLookUpFailed: () => void;
}

export interface PodInformer extends PodDirectory {
  readonly informer: Informer<PodView>;
  /** The pod as it is known now, if it is still the same one. */
  latest(pod: PodView): PodView;
  named(namespace: string, name: string): PodView | undefined;
}

/** Silence beyond which what is remembered may be out of date. A little more than the informer itself bears. */
const longestSilenceMs = 90_000;
const lookUpTimeoutMs = 2_000;
/** How long no live question is asked after one that was not answered: callers would only wait for nothing. */
const breakMs = 10_000;

/** The pods of this node, by address; and the API server itself, for one that is not remembered yet. */
export function createPodInformer(options: PodInformerOptions): PodInformer {
  const { transport, node, clock, random, log, onLookUpFailed } = options;
  const informer = createInformer<PodView>({
    transport,
    kind: coreKinds.pods,
    fieldSelector: `spec.nodeName=${node}`,
    trim: parsePod,
    indexes: { address: ({ addresses }) => addresses },
    clock,
    random,
    log,
  });
  let askAgainAt = 0;

  return {
    informer,
    filedUnder: (address) => informer.store.by('address', address),
    isCurrent: () => informer.lastHeardMs() <= longestSilenceMs,
    changes: (listener) => informer.onChange(listener),
    lookUp: async (address) => {
      if (clock.now() < askAgainAt) return undefined;
      try {
        return await askForPods(transport, { address, node });
      } catch (error) {
        if (!(error instanceof KubeError)) throw error;
        askAgainAt = clock.now() + breakMs;
        onLookUpFailed();
        log.warn({ address, code: error.code }, 'the API server did not say which pod has this address');
        return undefined;
      }
    },
    latest: (pod) => {
      const now = informer.store.get(pod.key);
      return now?.uid === pod.uid ? now : pod;
    },
    named: (namespace, name) => informer.store.get(`${namespace}/${name}`),
  };
}

async function askForPods(
  transport: KubeTransport,
  at: { address: string; node: string },
): Promise<PodView[]> {
  const answer = await transport.request({
    method: 'GET',
    path: '/api/v1/pods',
    query: { fieldSelector: `status.podIP=${at.address},spec.nodeName=${at.node}` },
    timeoutMs: lookUpTimeoutMs,
  });
  const { items = [] } = answer as { items?: readonly unknown[] };
  // Whatever the server makes of the selector: only pods that really have the address here.
  return items
    .map(parsePod)
    .filter((pod) => pod !== undefined)
    .filter((pod) => pod.nodeName === at.node && pod.addresses.includes(at.address));
}
