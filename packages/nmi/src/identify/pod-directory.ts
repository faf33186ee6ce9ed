import {
  createInformer,
  coreKinds,
  KubeError,
  listTrimmed,
  withOwnConnections,
  type Informer,
  type KubeTransport,
  type KubeAmbient,
} from '@pod-identity/kit/kube';
import type { PodsResult, NoResponse } from './results.ts';
import type { PodName } from './holder-lookup.ts';
import type { CallerFinderOptions } from './find-caller.ts';
import { identifyPod, othersAwait } from './identify-pod.ts';
import { parsePod, sinceBoot, unfinishedOn, type PodView } from './pod-view.ts';

export interface PodInformerOptions extends KubeAmbient {
  readonly node: string;
  /** When this machine was started: addresses that were reported before are ignored. */
  readonly bootedAt?: number | undefined;
  /** How long ago the API server last answered any request of this process. */
  readonly lastResponseMs: () => number;
  /** Called for each request about pods that failed. */
  readonly onFailed: (request: PodRequest) => void;
}

/** `get_pod`: one pod by name. `get_pod_list`: all unfinished pods of the node. */
export type PodRequest = 'get_pod' | 'get_pod_list';

export type PodInformer = CallerFinderOptions['pods'] & {
  readonly informer: Informer<PodView>;
  named(namespace: string, name: string): PodView | undefined;
  /** The live pod that has the address in memory. */
  podAt(address: string): PodView | undefined;
};

/** After so long without data memory may be out of date. A little longer than the informer waits before it reconnects. */
const longestSilenceMs = 100_000;
const requestTimeoutMs = 2_000;
/** How long the same request is not repeated: callers would wait for nothing, and a server that refuses is overloaded. */
const awayPauseMs = 1_000;
const [shortestPauseMs, longestPauseMs] = [1_000, 5_000];

/** The unfinished pods of this node by address, from a watch and by direct requests to the API server. */
export function createPodInformer(options: PodInformerOptions): PodInformer {
  const { transport, node, clock, random, log } = options;
  const parse = (object: unknown) => {
    const pod = parsePod(object);
    return pod && sinceBoot(pod, options.bootedAt);
  };
  const informer = createInformer<PodView>({
    transport,
    isPerNode: true,
    kind: coreKinds.pods,
    fieldSelector: unfinishedOn(node),
    trim: parse,
    indexes: { address: ({ addresses }) => addresses },
    clock,
    random,
    log,
  });
  const put = createPodRequests(options);
  const api = { transport: withOwnConnections(transport), node, parse };

  return {
    informer,
    filedUnder: (address) => informer.store.by('address', address),
    get revision() {
      return informer.store.revision;
    },
    othersAwait: (uid) => othersAwait([...informer.store.values()], uid, clock.now()),
    isCurrent: () => informer.lastHeardMs() <= longestSilenceMs,
    lastHeardMs: () => informer.lastHeardMs(),
    missedMs: () => Math.max(0, informer.unwatchedMs() - options.lastResponseMs()),
    changes: { subscribe: (listener) => informer.onChange(listener) },
    read: (pod) => put('get_pod', () => readPod(api, pod)),
    readAll: () => put('get_pod_list', () => listPods(api)),
    named: (namespace, name) => informer.store.get(`${namespace}/${name}`),
    podAt(address) {
      const found = identifyPod(informer.store.by('address', address), clock.now());
      return found.kind === 'pod' ? found.pod : undefined;
    },
  };
}

/** Sends requests; logs the first failure, then nothing until one succeeds. */
function createPodRequests({ log, onFailed }: Pick<PodInformerOptions, 'log' | 'onFailed'>) {
  let isSilent = false;
  const notice = (request: PodRequest, error: KubeError): NoResponse => {
    onFailed(request);
    if (!isSilent) log.warn({ question: request, code: error.code, error: error.message }, noResponseText);
    isSilent = true;
    return noResponseOf(error);
  };
  return async (request: PodRequest, send: () => Promise<readonly PodView[]>): Promise<PodsResult> => {
    try {
      const pods = await send();
      if (isSilent) log.info({}, 'the API server answers questions about pods again');
      isSilent = false;
      return pods;
    } catch (error) {
      if (!(error instanceof KubeError)) throw error;
      return notice(request, error);
    }
  };
}

/** A server that returns 429 or 503 may still serve kubelets: then pods start and addresses change hands. */
function noResponseOf({ code, retryAfterMs = 0 }: KubeError): NoResponse {
  if (code === 'transport') return { why: 'away', pauseMs: awayPauseMs };
  return { why: 'refused', pauseMs: Math.min(Math.max(retryAfterMs, shortestPauseMs), longestPauseMs) };
}

const noResponseText =
  'the API server does not say which pod has an address. Where nothing comes back at all, what was watched is believed for as ' +
  'long as --pod-check-outage says; where it refuses, pods are told to try again. ' +
  'If the code is denied, give the service account of NMI the verbs get and list on pods';

interface PodApi {
  readonly transport: KubeTransport;
  readonly node: string;
  readonly parse: (object: unknown) => PodView | undefined;
}

/** Empty if there is no pod of that name. */
async function readPod({ transport, parse }: PodApi, { namespace, name }: PodName): Promise<PodView[]> {
  try {
    const path = `/api/v1/namespaces/${namespace}/pods/${name}`;
    const request = { method: 'GET', path, timeoutMs: requestTimeoutMs } as const;
    const pod = parse(await transport.request(request));
    return pod ? [pod] : [];
  } catch (error) {
    if (error instanceof KubeError && error.code === 'not-found') return [];
    throw error;
  }
}

/**
 * All unfinished pods of the node, from the API server's database. A field selector by address exists, but some servers find nothing
 * by it, and it saves them no work.
 */
async function listPods({ transport, node, parse }: PodApi): Promise<PodView[]> {
  const pods = await listTrimmed(
    {
      transport,
      kind: coreKinds.pods,
      fieldSelector: unfinishedOn(node),
      pageSize: undefined,
      timeoutMs: requestTimeoutMs,
    },
    parse,
  );
  return pods.filter((pod) => pod.nodeName === node);
}
