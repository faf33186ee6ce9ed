// The numbers of pods, connections and requests with which NMI is measured.
import type { Scale } from '../scale.ts';

export interface NmiSizes {
  /** One node each. */
  readonly podsOfNodes: readonly [few: number, many: number, most: number];
  /** The same for any number of pods, so that more pods do not mean more connections. */
  readonly connections: number;
  /** With one request at a time on each: a pod requests a token and waits. */
  readonly connectionsOneByOne: number;
  readonly rounds: number;
  /** Rounds of cached tokens, and the rounds before them that are not counted. */
  readonly races: number;
  readonly warmUpRounds: number;
  readonly tokens: number;
  /** The first tokens are not counted: the code is not compiled yet. */
  readonly warmUp: number;
  /** NMI checks each pod with the API server once a second: 250 pods at most, so that no connection waits for a check. */
  readonly podsOfNewConnections: number;
  /** Over kept connections, and with a new connection for each. */
  readonly requests: readonly [kept: number, fresh: number];
  /** Requests of the pod beside a noisy one, in each round. */
  readonly quietQuestions: number;
  /** Secrets of a hostile namespace, read in each round. */
  readonly hostileSecrets: number;
  /** Pods of the hostile namespace, pods of another one, and the first tokens of those, for each hostile way. */
  readonly hostilePods: number;
  /** For their bursts, which are over before anything is measured. */
  readonly hostileSettlingMs: number;
  readonly quietPods: number;
  readonly coldTokens: number;
}

export const nmiSizes: Readonly<Record<Scale, NmiSizes>> = {
  full: {
    podsOfNodes: [10, 110, 250],
    connections: 250,
    rounds: 5,
    tokens: 1_000,
    warmUp: 50,
    connectionsOneByOne: 32,
    races: 7,
    warmUpRounds: 2,
    podsOfNewConnections: 110,
    requests: [50_000, 5_000],
    quietQuestions: 300,
    hostileSecrets: 8,
    hostilePods: 100,
    hostileSettlingMs: 2_000,
    quietPods: 20,
    coldTokens: 100,
  },
  smoke: {
    podsOfNodes: [2, 4, 6],
    connections: 6,
    rounds: 1,
    tokens: 12,
    warmUp: 2,
    connectionsOneByOne: 4,
    races: 1,
    warmUpRounds: 1,
    podsOfNewConnections: 4,
    requests: [120, 12],
    quietQuestions: 12,
    hostileSecrets: 2,
    hostilePods: 6,
    hostileSettlingMs: 100,
    quietPods: 2,
    coldTokens: 3,
  },
};

/** Positions in `podsOfNodes`. */
export const [fewPods, manyPods, mostPods] = [0, 1, 2];
