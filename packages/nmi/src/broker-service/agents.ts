import { createHash } from 'node:crypto';
import { createShareMap, type Clock, type Keyed } from '@pod-identity/kit/core';
import type { KubeTransport } from '@pod-identity/kit/kube';
import { createTurnQueues, runInTurn } from '../waiting/turn-queues.ts';
import {
  agentIn,
  claimsToBeAgent,
  refused,
  unauthorized,
  type Account,
  type Agent,
  type Review,
} from './judge.ts';
import { brokerAudience, type BrokerRefusal } from '../broker/wire.ts';

/** How the broker reads the API server. */
export interface BrokerReads {
  readonly transport: KubeTransport;
  readonly account: Account;
  readonly clock: Clock;
  readonly onUnanswered: (what: string, error: unknown) => void;
}

export type Agents = ReturnType<typeof createAgents>;

interface Kept extends Keyed {
  readonly until: number;
  readonly found: Agent | BrokerRefusal;
}

/** How long a review counts, from when it was requested. A token that is refused may be a moment too early. */
const keptMs = { agent: 60_000, refused: 10_000, unanswered: 1_000 };
/** By address: a node has two NMIs at most, and each has a new token every few minutes. */
const kept = { perNamespace: 16, total: 8_192 };
/** Addresses of NMIs: one of a node, so that its token, used from many addresses, gives those no limits of their own. */
const noted = { perNamespace: 1, total: 8_192 };
/** Anybody can write a token that claims to be NMI's: addresses that no NMI has used yet share one part of the reviews, and no more wait than can be reviewed in time. */
const rates = {
  all: { atATime: 32, patienceMs: 4_000 },
  queues: {
    agents: { atATime: 24, waiting: { total: 4_096, perNamespace: 16, perPod: 16 } },
    others: {
      atATime: 16,
      quota: { burst: 200, perSecond: 50 },
      waiting: { total: 256, perNamespace: 4, perPod: 4 },
    },
  },
};
const timeoutMs = 5_000;
const unanswered = refused('review_unanswered', 'The API server has not said whose token it is. Try again.');
const busy = refused('too_many_requests', 'Too many tokens wait for their review. Try again.');

/** Identifies NMIs by reviews of their tokens, one at a time for each token of an address. */
export function createAgents({ transport, account, clock, onUnanswered }: BrokerReads) {
  const known = createShareMap<Kept>(kept);
  const running = new Map<string, Promise<Agent | BrokerRefusal>>();
  const peers = createShareMap<Keyed>(noted);
  const queues = createTurnQueues({ clock, ...rates });
  const isNoted = (peer: string) => peers.get(peer) !== undefined;

  const reviewOnce = async (token: string): Promise<readonly [Agent | BrokerRefusal, number]> => {
    try {
      const agent = agentIn(await reviewToken(transport, token), account);
      return agent ? [agent, keptMs.agent] : [unauthorized, keptMs.refused];
    } catch (error) {
      onUnanswered('TokenReview', error);
      return [unanswered, keptMs.unanswered];
    }
  };
  const begin = async (token: string, peer: string, key: string) => {
    const queue = isNoted(peer) ? queues.agents : queues.others;
    const result = await runInTurn(queue, { tenant: { namespace: peer, pod: peer } }, async () => {
      const until = clock.elapsed();
      const [found, ms] = await reviewOnce(token);
      known.set({ namespace: peer, key, weight: 1, found, until: until + ms });
      return found;
    });
    return result ?? busy;
  };

  return {
    /** The NMI of the node requests from this address, which in an overlay network is not that of its pod. */
    note: (node: string, peer: string) => void peers.set({ namespace: node, key: peer, weight: 1 }),
    isNoted,
    /** Whose token it is. */
    identify({ token, peer }: { token: string; peer: string }): Promise<Agent | BrokerRefusal> {
      if (!claimsToBeAgent(token, { account, now: clock.now() })) return Promise.resolve(unauthorized);
      const key = `${peer} ${createHash('sha256').update(token).digest('base64')}`;
      const { until = 0, found } = known.get(key) ?? {};
      if (found && clock.elapsed() < until) return Promise.resolve(found);
      const review = running.get(key) ?? begin(token, peer, key).finally(() => running.delete(key));
      running.set(key, review);
      return review;
    },
  };
}

async function reviewToken(transport: KubeTransport, token: string): Promise<Review> {
  const path = '/apis/authentication.k8s.io/v1/tokenreviews';
  const [apiVersion, kind] = ['authentication.k8s.io/v1', 'TokenReview'];
  const body = { apiVersion, kind, spec: { token, audiences: [brokerAudience] } };
  return (await transport.request({
    method: 'POST',
    path,
    body,
    timeoutMs,
  })) as Review;
}
