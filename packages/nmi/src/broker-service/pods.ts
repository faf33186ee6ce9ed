import { createBudgets } from '@pod-identity/kit/core';
import { KubeError, type KubeTransport } from '@pod-identity/kit/kube';
import type { BrokerReads } from './agents.ts';
import { createTurnQueues, runInTurn, type Rate } from '../waiting/turn-queues.ts';
import { locatePod, refused, type Agent, type Placed, type PodFacts } from './judge.ts';
import type { BrokerRefusal, BrokerRequest } from '../broker/wire.ts';

export type LocatePod = ReturnType<typeof createPodReads>;

/**
 * In turns by NMI, so by node, and there by the namespace of the pod: a node that requests tokens for pods without end delays no other.
 * Busy namespaces have turns of their own.
 */
const waiting = { total: 4_096, perNamespace: 256, perPod: 64 };
const usualRate = { atATime: 24, quota: { burst: 400, perSecond: 200 } };
const busyRate = { atATime: 16, quota: { burst: 200, perSecond: 100 } };
const patienceMs = 4_000;
/** A namespace with more requests is busy: with pods on all nodes it would have the turns of all. */
const usualShare = { burst: 200, perSecond: 20 };
const timeoutMs = 5_000;
const unanswered = refused('review_unanswered', 'The API server has not said where the pod is. Try again.');
const busy = refused(
  'too_many_requests',
  'Too many requests of this node or namespace wait for their turn. Try again.',
);

export function createPodReads(options: BrokerReads) {
  const { transport, account, clock, onUnanswered } = options;
  const queueOf = (rate: Rate) => {
    const pods = { atATime: rate.atATime, waiting };
    return createTurnQueues({ clock, all: { ...rate, patienceMs }, queues: { pods } }).pods;
  };
  const usual = queueOf(usualRate);
  const busyOnes = queueOf(busyRate);
  const shares = createBudgets(usualShare);
  /** Where the pod is, as the API server says now. */
  return async (
    agent: Agent,
    wanted: BrokerRequest['pod'],
    gone: AbortSignal,
  ): Promise<Placed | BrokerRefusal> => {
    const { namespace } = wanted;
    const tenant = { namespace: agent.uid, pod: namespace };
    const read = async () => {
      const [own, pod] = await Promise.all([
        readPod(transport, account.namespace, agent.pod),
        readPod(transport, namespace, wanted.name),
      ]);
      return locatePod(agent, wanted, { own, pod });
    };
    const queue = shares.take(namespace, clock.elapsed()) ? usual : busyOnes;
    const placed = await runInTurn(queue, { tenant, gone }, () =>
      read().catch((error: unknown) => {
        onUnanswered('Pod', error);
        return unanswered;
      }),
    );
    return placed ?? busy;
  };
}

interface Pod {
  readonly metadata?: { readonly uid?: string };
  readonly spec?: { readonly nodeName?: string; readonly serviceAccountName?: string };
  readonly status?: { readonly phase?: string };
}

/** Undefined if there is none. */
async function readPod(
  transport: KubeTransport,
  namespace: string,
  name: string,
): Promise<PodFacts | undefined> {
  const path = `/api/v1/namespaces/${encodeURIComponent(namespace)}/pods/${encodeURIComponent(name)}`;
  try {
    return factsOf((await transport.request({ method: 'GET', path, timeoutMs })) as Pod);
  } catch (error) {
    if (error instanceof KubeError && error.code === 'not-found') return undefined;
    throw error;
  }
}

function factsOf({ metadata = {}, spec = {}, status = {} }: Pod): PodFacts {
  return {
    uid: metadata.uid ?? '',
    node: spec.nodeName ?? '',
    account: spec.serviceAccountName ?? '',
    phase: status.phase ?? '',
  };
}
