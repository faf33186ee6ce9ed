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
import type { Said, Unsaid } from './answers.ts';
import type { PodName } from './ask-holder.ts';
import type { CallerFinderOptions } from './find-caller.ts';
import { addressIsUnreported, identifyPod } from './identify-pod.ts';
import { parsePod, podFields, sinceBoot, type PodView } from './pod-view.ts';

export interface PodInformerOptions {
  readonly transport: KubeTransport;
  readonly node: string;
  readonly clock: Clock;
  readonly random: () => number;
  readonly log: Log;
  /** When this machine was started: what was said of pods before that is not believed. */
  readonly bootedAt?: number | undefined;
  /** How long ago the API server last answered anything, a question of others too. */
  readonly lastAnswerMs: () => number;
  /** Called for every live question that the API server did not answer. */
  readonly onFailed: (question: PodQuestion) => void;
}

/** `get_pod`: for a pod by its name. `get_pod_list`: for all of the node. */
export type PodQuestion = 'get_pod' | 'get_pod_list';

export type PodInformer = CallerFinderOptions['pods'] & {
  readonly informer: Informer<PodView>;
  /** The pod as it is known now, if it is still the same one. */
  latest(pod: PodView): PodView;
  named(namespace: string, name: string): PodView | undefined;
  /** The namespace of the pod that is known to hold the address. Pods that have stopped may be filed under it too: they do not count. */
  namespaceAt(address: string): string | undefined;
  /** The same, of its uid. */
  uidAt(address: string): string | undefined;
};

/** Silence beyond which what is remembered may be out of date. A little more than the informer itself bears. */
const longestSilenceMs = 45_000;
const questionTimeoutMs = 2_000;
/** How long the same question is not asked again: callers would only wait, and an API server that refuses has enough to do. */
const awayPauseMs = 1_000;
const [shortestPauseMs, longestPauseMs] = [1_000, 5_000];

/** The pods of this node, by address; and the API server itself, for one that is not remembered yet. */
export function createPodInformer(options: PodInformerOptions): PodInformer {
  const { transport, node, clock, random, log } = options;
  const parse = (object: unknown) => {
    const pod = lean(parsePod(object));
    return pod && sinceBoot(pod, options.bootedAt);
  };
  const informer = createInformer<PodView>({
    transport,
    isPerNode: true,
    kind: coreKinds.pods,
    fieldSelector: `spec.nodeName=${node}`,
    fields: podFields,
    trim: parse,
    indexes: { address: ({ addresses }) => addresses },
    clock,
    random,
    log,
  });
  const put = createQuestions(options);
  const questions = { transport, node, parse };

  return {
    informer,
    filedUnder: (address) => informer.store.by('address', address),
    get revision() {
      return informer.store.revision;
    },
    isCurrent: () => informer.lastHeardMs() <= longestSilenceMs,
    lastHeardMs: () => informer.lastHeardMs(),
    missedMs: () => Math.max(0, informer.unwatchedMs() - options.lastAnswerMs()),
    othersAwait: (uid) => {
      const now = clock.now();
      return [...informer.store.values()].some((pod) => pod.uid !== uid && addressIsUnreported(pod, now));
    },
    changes: (listener) => informer.onChange(listener),
    read: (pod) => put('get_pod', () => askForPod(questions, pod)),
    readAll: () => put('get_pod_list', () => askForPods(questions)),
    latest: (pod) => {
      const now = informer.store.get(pod.key);
      return now?.uid === pod.uid ? now : pod;
    },
    named: (namespace, name) => informer.store.get(`${namespace}/${name}`),
    namespaceAt: (address) => only(informer.store.by('address', address), clock)?.namespace,
    uidAt: (address) => only(informer.store.by('address', address), clock)?.uid,
  };
}

function only(filed: readonly PodView[], clock: Clock): PodView | undefined {
  const found = identifyPod(filed, clock.now());
  return found.kind === 'pod' ? found.pod : undefined;
}

type QuestionOptions = Pick<PodInformerOptions, 'log' | 'onFailed'>;

/** Puts questions; that one of them was not answered is said in the log once, until one is. */
function createQuestions({ log, onFailed }: QuestionOptions) {
  let isSilent = false;
  const notice = (question: PodQuestion, error: KubeError): Unsaid => {
    onFailed(question);
    // One line for an outage, however long.
    if (!isSilent) log.warn({ question, code: error.code, error: error.message }, noAnswer);
    isSilent = true;
    return unsaid(error);
  };
  return async (question: PodQuestion, ask: () => Promise<readonly PodView[]>): Promise<Said> => {
    try {
      const pods = await ask();
      if (isSilent) log.info({}, 'the API server answers questions about pods again');
      isSilent = false;
      return pods;
    } catch (error) {
      if (!(error instanceof KubeError)) throw error;
      return notice(question, error);
    }
  };
}

/** An API server that returns 429 or 503 is there, and may answer kubelets: then pods start, and addresses change hands. */
function unsaid({ code, retryAfterMs = 0 }: KubeError): Unsaid {
  if (code === 'transport') return { why: 'away', pauseMs: awayPauseMs };
  return { why: 'refused', pauseMs: Math.min(Math.max(retryAfterMs, shortestPauseMs), longestPauseMs) };
}

const noAnswer =
  'the API server does not say which pod has an address. Where nothing comes back at all, what was watched is believed for as ' +
  'long as --pod-check-outage says, unless --pod-check is strict; where it refuses, pods are told to try again. ' +
  'If the code is denied, give the service account of NMI the verbs get and list on pods';

interface Questions {
  readonly transport: KubeTransport;
  readonly node: string;
  readonly parse: (object: unknown) => PodView | undefined;
}

/** The pod as stored now; nothing when there is no pod of that name. */
async function askForPod({ transport, parse }: Questions, { namespace, name }: PodName): Promise<PodView[]> {
  try {
    const path = `/api/v1/namespaces/${namespace}/pods/${name}`;
    const request = { method: 'GET', path, timeoutMs: questionTimeoutMs, fields: podFields } as const;
    const pod = parse(await transport.request(request));
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
async function askForPods({ transport, node, parse }: Questions): Promise<PodView[]> {
  const pods = await listTrimmed(
    {
      transport,
      kind: coreKinds.pods,
      fieldSelector: `spec.nodeName=${node}`,
      fields: podFields,
      pageSize: undefined,
      timeoutMs: questionTimeoutMs,
    },
    parse,
  );
  return pods.filter((pod) => pod.nodeName === node);
}

/** A pod that has finished has no address and gets no token: what it is called is enough, for there may be thousands. */
function lean(pod: PodView | undefined): PodView | undefined {
  if (pod?.phase !== 'Succeeded' && pod?.phase !== 'Failed') return pod;
  const { uid, key, namespace, name, nodeName, phase, isEnding, serviceAccount } = pod;
  return { uid, key, namespace, name, nodeName, phase, isEnding, serviceAccount, addresses: [], labels: {} };
}
