// The figures of NMI.
import type { Run } from '../load.ts';
import { median, quantile, rounded, type Figure, type Figures } from '../report.ts';
import { fewPods, manyPods, mostPods, type NmiSizes } from './nmi-sizes.ts';

export interface Pair {
  readonly without: number;
  readonly with: number;
}

/** Times of single responses (ms). */
export interface Times {
  readonly without: readonly number[];
  readonly with: readonly number[];
}

export interface MissTimes {
  readonly direct: readonly number[];
  readonly byProxy: readonly number[];
  readonly byNmi: readonly number[];
}

/** NMI and the bare server, one right after the other. */
export interface Duel {
  readonly nmi: Run;
  readonly bare: Run;
}

export interface Round {
  readonly oneByOne: Duel;
  /** By node. */
  readonly pipelined: readonly Duel[];
  readonly fresh: Duel;
}

/** MiB. */
export interface Memory {
  readonly resident: number;
  readonly anonymous: number;
  readonly workingSet: number | undefined;
}

export interface Cached {
  readonly sizes: NmiSizes;
  readonly misses: MissTimes;
  /** The first ones warmed up. */
  readonly rounds: readonly Round[];
  /** With 1,000 tokens, and after all load. */
  readonly memory: Memory;
  readonly memoryLoaded: Memory;
  /** Lines that NMI wrote on the node with many pods. */
  readonly lines: number;
}

interface Measured extends Cached {
  readonly starts: readonly number[];
  readonly quiet: readonly Pair[];
  readonly admin: readonly Pair[];
  readonly besideSecrets: readonly Times[];
  readonly hostileCold: number;
}

export function figures(measured: Measured): Figures {
  return [...cachedFigures(measured), ...waits(measured), startMs(measured)];
}

export function cachedFigures(measured: Cached): Figures {
  return [
    ...speed(measured),
    ...missFigures(measured.misses),
    ...restFigures(measured),
    ...loadedFigures(measured),
  ];
}

function single(name: string, value: number | undefined, what: string): Figure {
  return { name, what, value: value === undefined ? value : rounded(value) };
}

function ofRounds(name: string, samples: readonly number[], what: string): Figure {
  const spread = [rounded(Math.min(...samples)), rounded(Math.max(...samples))] as const;
  return { name, value: rounded(median(samples)), spread, what: `${what}, median of ${samples.length}` };
}

function speed({ rounds, lines, sizes }: Cached): Figure[] {
  const counted = rounds.slice(sizes.warmUpRounds);
  const over = (name: string, of: (round: Round) => number, what: string) =>
    ofRounds(name, counted.map(of), what);
  const piped = (round: Round) => at(round.pipelined, manyPods);
  const ratio = ({ nmi, bare }: Duel) => bare.cpuUs / nmi.cpuUs;
  const cpuOf = (round: Round, node: number) => at(round.pipelined, node).nmi.cpuUs;
  const shape = `one request at a time on ${sizes.connectionsOneByOne} connections`;
  const pipedShape = `4 pipelined requests on ${sizes.connections} connections`;
  return [
    over(
      'cachedRatio110',
      ({ oneByOne }) => ratio(oneByOne),
      `processor time of a request of a bare node:http server over that of a cached token, 110 pods, ${shape} (aim: at least 0.8)`,
    ),
    over(
      'pipelinedRatio110',
      (round) => ratio(piped(round)),
      `the same with ${pipedShape} (aim: at least 0.75)`,
    ),
    over(
      'cachedFlatness',
      (round) => cpuOf(round, fewPods) / cpuOf(round, mostPods),
      'processor time of a pipelined request with 10 pods over that with 250 (aim: at least 0.9)',
    ),
    over(
      'newConnectionRatio',
      ({ fresh }) => ratio(fresh),
      `the two side by side with a new connection for each request, of ${sizes.podsOfNewConnections} of 110 pods`,
    ),
    over('cachedCpuUs', ({ oneByOne }) => oneByOne.nmi.cpuUs, `processor time of a token (us), ${shape}`),
    over('bareHttpCpuUs', ({ oneByOne }) => oneByOne.bare.cpuUs, 'of the bare server (us)'),
    over('pipelinedCpuUs', (round) => piped(round).nmi.cpuUs, `of a token (us), ${pipedShape}`),
    over('barePipelinedCpuUs', (round) => piped(round).bare.cpuUs, 'of the bare server (us)'),
    over('cachedRps', ({ oneByOne }) => oneByOne.nmi.perSecond, `tokens a second, one core, ${shape}`),
    over('bareHttpRps', ({ oneByOne }) => oneByOne.bare.perSecond, 'of the bare server'),
    over('pipelinedRps', (round) => piped(round).nmi.perSecond, `tokens a second, one core, ${pipedShape}`),
    over('barePipelinedRps', (round) => piped(round).bare.perSecond, 'of the bare server'),
    single(
      'linesPerToken',
      lines / tokensOf(rounds, sizes),
      'lines that NMI wrote for each token (must be: 1)',
    ),
  ];
}

/** Tokens of NMI on the node with many pods: each pod requested one before misses were measured. */
function tokensOf(rounds: readonly Round[], { tokens, podsOfNodes }: NmiSizes): number {
  const ofRound = ({ oneByOne, pipelined, fresh }: Round) =>
    [oneByOne, at(pipelined, manyPods), fresh].reduce((sum, { nmi }) => sum + nmi.sent, 0);
  return rounds.reduce((sum, round) => sum + ofRound(round), tokens + at(podsOfNodes, manyPods));
}

export function missFigures({ byNmi, byProxy, direct }: MissTimes): Figure[] {
  const added = (of: readonly number[], share: number) => quantile(of, share) - quantile(direct, share);
  const overProxy = (share: number) => added(byNmi, share) / added(byProxy, share);
  return [
    single(
      'missP99Ms',
      quantile(byNmi, 0.99),
      'p99 of a token that is not cached, below the pace for IMDS (ms)',
    ),
    single(
      'missAddedP50Ms',
      added(byNmi, 0.5),
      'p50 of that less the p50 of a direct request to the fake IMDS (ms)',
    ),
    single('missAddedP99Ms', added(byNmi, 0.99), 'the same of the p99 (ms)'),
    single('proxyAddedP50Ms', added(byProxy, 0.5), 'what a bare proxy in Node adds to the p50 (ms)'),
    single('proxyAddedP99Ms', added(byProxy, 0.99), 'the same of the p99 (ms)'),
    single(
      'missAddedOverProxyP50',
      overProxy(0.5),
      'what NMI adds over what that proxy adds, p50 (aim: at most 2)',
    ),
    single('missAddedOverProxyP99', overProxy(0.99), 'the same of the p99'),
  ];
}

function waits({ quiet, admin, besideSecrets, hostileCold, sizes }: Measured): Figure[] {
  return [
    ofRounds(
      'hostileP99Ratio',
      quiet.map((pair) => pair.with / pair.without),
      "a quiet pod's p99 beside a pod that sends requests without pause, over its p99 without",
    ),
    ofRounds(
      'adminAttackP50Ratio',
      admin.map((pair) => pair.with / pair.without),
      "a quiet pod's p50 beside a pod that requests metrics without pause, over its p50 without",
    ),
    ofRounds(
      'hostileSecretP99Ratio',
      besideSecrets.map((times) => quantile(times.with, 0.99) / quantile(times.without, 0.99)),
      "a quiet pod's p99 while NMI reads Secrets that take as much work as it allows, over its p99 without",
    ),
    ofRounds(
      'hostileSecretLongestMs',
      besideSecrets.map((times) => Math.max(...times.with)),
      'its longest wait meanwhile (ms; aim: under 50)',
    ),
    single(
      'hostileColdP99Ms',
      hostileCold,
      `p99 of a pod's first token while ${sizes.hostilePods} pods of another namespace attack NMI, in the worst way of seven (ms; aim: under 2,000)`,
    ),
  ];
}

export function restFigures({ memory, sizes }: Pick<Cached, 'memory' | 'sizes'>): Figure[] {
  const { resident, anonymous, workingSet } = memory;
  const tokens = `with 110 pods and ${sizes.tokens.toLocaleString('en')} cached tokens`;
  const counted =
    workingSet === undefined
      ? 'not measured: no memory cgroup can be made here'
      : 'what a kubelet counts of the first: memory of a cgroup of its own less inactive file pages (MiB)';
  return [
    single('rss110MiB', resident, `NMI's resident memory ${tokens} (MiB; aim: at most 83)`),
    single('rssAnon110MiB', anonymous, `its anonymous part, ${tokens} (MiB; aim: at most 35)`),
    single('workingSet110MiB', workingSet, counted),
  ];
}

function loadedFigures({ memoryLoaded: { resident, anonymous, workingSet }, sizes }: Cached): Figure[] {
  const [requests, fresh] = sizes.requests;
  const load = (2 * requests + fresh) * (sizes.warmUpRounds + sizes.races);
  const loaded = `the same after ${load.toLocaleString('en')} requests, with new connections among them`;
  return [
    single('rssLoadedMiB', resident, `${loaded} (aim: at most 100)`),
    single('rssAnonLoadedMiB', anonymous, `${loaded} (aim: at most 48)`),
    single('workingSetLoadedMiB', workingSet, 'the same after them'),
  ];
}

function startMs({ starts }: Measured): Figure {
  return ofRounds('startMs', starts, 'from the start of the process to /readyz 200, 110 pods (ms)');
}

export function at<T>(items: readonly T[], index: number): T {
  const item = items[index];
  if (item === undefined) throw new RangeError(`there is no ${index}`);
  return item;
}
