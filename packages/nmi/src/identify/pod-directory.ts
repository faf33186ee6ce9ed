import {
  createInformer,
  coreKinds,
  KubeError,
  listTrimmed,
  type Informer,
  type KubeTransport,
} from '@pod-identity/kit/kube';
import type { Clock } from '@pod-identity/kit/core';
import type { Log } from '@pod-identity/kit/serve';
import type { PodName } from './ask-holder.ts';
import type { CallerFinderOptions } from './find-caller.ts';
import { parsePod, podFields, type PodView } from './pod-view.ts';

export interface PodInformerOptions {
  readonly transport: KubeTransport;
  readonly node: string;
  readonly clock: Clock;
  readonly random: () => number;
  readonly log: Log;
  /** Told of every live question that the API server did not answer. */
  readonly onFailed: (question: PodQuestion) => void;
}

/** `get_pod`: for a pod by its name. `get_pod_list`: for all of the node. */
export type PodQuestion = 'get_pod' | 'get_pod_list';

export type PodInformer = CallerFinderOptions['pods'] & {
  readonly informer: Informer<PodView>;
  /** The pod as it is known now, if it is still the same one. */
  latest(pod: PodView): PodView;
  named(namespace: string, name: string): PodView | undefined;
};

/** Silence beyond which what is remembered may be out of date. A little more than the informer itself bears. */
const longestSilenceMs = 90_000;
const lookUpTimeoutMs = 2_000;
/** How long no live question is asked after one that was not answered: callers would only wait for nothing. */
const breakMs = 10_000;

/** The pods of this node, by address; and the API server itself, for one that is not remembered yet. */
export function createPodInformer(options: PodInformerOptions): PodInformer {
  const { transport, node, clock, random, log } = options;
  const informer = createInformer<PodView>({
    transport,
    kind: coreKinds.pods,
    fieldSelector: `spec.nodeName=${node}`,
    fields: podFields,
    trim: (object) => lean(parsePod(object)),
    indexes: { address: ({ addresses }) => addresses },
    clock,
    random,
    log,
  });
  const away = createAwayWatch(options);
  // It answers for all addresses: many unknown callers at once are two questions.
  const askNode = inTurns(() => away.unlessAway('get_pod_list', () => askForPods(transport, node)));

  return {
    informer,
    filedUnder: (address) => informer.store.by('address', address),
    get revision() {
      return informer.store.revision;
    },
    isCurrent: () => informer.lastHeardMs() <= longestSilenceMs,
    isAway: () => away.isAway(),
    changes: (listener) => informer.onChange(listener),
    read: (pod) => away.unlessAway('get_pod', () => askForPod(transport, pod)),
    lookUp: async (address) => {
      // Without this one would wait for the one who tries.
      const filed = away.isAway() ? undefined : await askNode();
      return filed?.filter(({ addresses }) => addresses.includes(address));
    },
    latest: (pod) => {
      const now = informer.store.get(pod.key);
      return now?.uid === pod.uid ? now : pod;
    },
    named: (namespace, name) => informer.store.get(`${namespace}/${name}`),
  };
}

type AwayWatchOptions = Pick<PodInformerOptions, 'clock' | 'log' | 'onFailed'>;

/** Asks nothing for a while after a question without answer; then one caller tries, and the others do not wait for it. */
function createAwayWatch({ clock, log, onFailed }: AwayWatchOptions) {
  let isGone = false;
  let askAgainAt = 0;
  const isAway = () => isGone && clock.now() < askAgainAt;

  const notice = (question: PodQuestion, error: KubeError) => {
    onFailed(question);
    // One line for an outage, however long.
    if (!isGone) log.warn({ question, code: error.code, error: error.message }, noAnswer);
    isGone = true;
    askAgainAt = clock.now() + breakMs;
  };

  return {
    isAway,
    async unlessAway<T>(question: PodQuestion, ask: () => Promise<T>): Promise<T | undefined> {
      if (isAway()) return undefined;
      askAgainAt = clock.now() + breakMs;
      try {
        const answer = await ask();
        if (isGone) log.info({}, 'the API server answers questions about pods again');
        isGone = false;
        return answer;
      } catch (error) {
        if (!(error instanceof KubeError)) throw error;
        notice(question, error);
        return undefined;
      }
    },
  };
}

const noAnswer =
  'the API server does not say which pod has an address: what was watched is believed, unless --pod-check is strict. ' +
  'If the code is denied, give the service account of NMI the verbs get and list on pods';

/** The pod as it is; nothing when there is no pod of that name. */
async function askForPod(transport: KubeTransport, { namespace, name }: PodName): Promise<PodView[]> {
  try {
    const path = `/api/v1/namespaces/${namespace}/pods/${name}`;
    const request = { method: 'GET', path, timeoutMs: lookUpTimeoutMs, fields: podFields } as const;
    const pod = parsePod(await transport.request(request));
    return pod ? [pod] : [];
  } catch (error) {
    if (error instanceof KubeError && error.code === 'not-found') return [];
    throw error;
  }
}

/**
 * All pods of the node, from the API server's own database. There is a selector by address, too, but servers are about that
 * do not find anything by it, and it saves them no work.
 */
async function askForPods(transport: KubeTransport, node: string): Promise<PodView[]> {
  const pods = await listTrimmed(
    {
      ...{ transport, kind: coreKinds.pods, fieldSelector: `spec.nodeName=${node}`, fields: podFields },
      pageSize: undefined,
      timeoutMs: lookUpTimeoutMs,
    },
    (object) => lean(parsePod(object)),
  );
  return pods.filter((pod) => pod.nodeName === node);
}

/** A pod that has finished has no address and gets no token: what it is called is enough, for there may be thousands. */
function lean(pod: PodView | undefined): PodView | undefined {
  if (pod?.phase !== 'Succeeded' && pod?.phase !== 'Failed') return pod;
  const { uid, key, namespace, name, nodeName, phase, isEnding, serviceAccount } = pod;
  return { uid, key, namespace, name, nodeName, phase, isEnding, serviceAccount, addresses: [], labels: {} };
}

/** One at a time. Whoever asks while one is under way gets the answer of the next: that one was asked later than he did. */
function inTurns<T>(ask: () => Promise<T>): () => Promise<T> {
  let last: Promise<unknown> = Promise.resolve();
  let next: Promise<T> | undefined;
  const begin = () => {
    next = undefined;
    const asking = ask();
    last = asking.catch(() => undefined);
    return asking;
  };
  return () => (next ??= last.then(begin));
}
