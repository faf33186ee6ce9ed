// What is told of the measurements of NMI.
import { median, quantile, rounded, type Figures } from '../report.ts';
import { fewPods, manyPods, mostPods, type NmiSizes } from './nmi-sizes.ts';

export interface Pair {
  readonly without: number;
  readonly with: number;
}

/** Of single answers (ms). */
export interface Times {
  readonly without: readonly number[];
  readonly with: readonly number[];
}

export interface MissTimes {
  readonly direct: readonly number[];
  readonly byNmi: readonly number[];
}

export interface Round {
  /** By node. */
  readonly kept: readonly { readonly nmi: number; readonly bare: number }[];
  readonly fresh: { readonly nmi: number; readonly bare: number };
}

interface Measured {
  readonly sizes: NmiSizes;
  readonly starts: readonly number[];
  readonly quiet: readonly Pair[];
  readonly admin: readonly Pair[];
  readonly besideSecrets: readonly Times[];
  readonly misses: MissTimes;
  readonly rates: readonly Round[];
  readonly rss: number;
  readonly rssLoaded: number;
  readonly hostileCold: number;
}

export function figures(measured: Measured): Figures {
  const shown = [...speed(measured), ...waits(measured), ...costs(measured)];
  return shown.map(([name, value, what]) => ({ name, value: rounded(value), what }));
}

type Shown = readonly [name: string, value: number, what: string];

function speed({ rates, sizes: { rounds, podsOfNewConnections } }: Measured): Shown[] {
  const over = (of: (round: Round) => number) => median(rates.map(of));
  const rate = (node: number) => over(({ kept }) => at(kept, node).nmi);
  const ratio = (node: number) => over(({ kept }) => at(kept, node).nmi / at(kept, node).bare);
  const flatness = over(({ kept }) => at(kept, mostPods).nmi / at(kept, fewPods).nmi);
  return [
    ['cachedRps', rate(manyPods), `cached tokens a second, 110 pods, one core (median of ${rounds})`],
    [
      'bareHttpRps',
      over(({ kept }) => at(kept, manyPods).bare),
      'a bare node:http server answering the same bytes, one core',
    ],
    ['cachedRatio10', ratio(fewPods), 'the two side by side with 10 pods, median of the rounds'],
    ['cachedRatio110', ratio(manyPods), 'with 110 pods, a line for each token written (aim: at least 0.7)'],
    ['cachedRatio250', ratio(mostPods), 'with 250 pods'],
    ['cachedFlatness', flatness, 'tokens a second with 250 pods over those with 10 (aim: 1)'],
    [
      'newConnectionRatio',
      over(({ fresh }) => fresh.nmi / fresh.bare),
      `with a new connection for each request, of ${podsOfNewConnections} of 110 pods`,
    ],
  ];
}

function waits({
  misses: { byNmi, direct },
  quiet,
  admin,
  besideSecrets,
  hostileCold,
  sizes,
}: Measured): Shown[] {
  const added = (share: number) => quantile(byNmi, share) - quantile(direct, share);
  return [
    ['missP99Ms', quantile(byNmi, 0.99), 'p99 of a token that is not cached, below the pace for IMDS (ms)'],
    ['missAddedP50Ms', added(0.5), 'p50 of that less the p50 of asking the fake IMDS directly (ms)'],
    ['missAddedP99Ms', added(0.99), 'the same of the p99 (aim: under 1 ms)'],
    [
      'hostileP99Ratio',
      median(quiet.map((pair) => pair.with / pair.without)),
      "a quiet pod's p99 beside a pod that never stops asking, over its p99 without",
    ],
    [
      'adminAttackP50Ratio',
      median(admin.map((pair) => pair.with / pair.without)),
      "a quiet pod's p50 beside a pod that never stops asking for metrics, over its p50 without",
    ],
    [
      'hostileSecretP99Ratio',
      median(besideSecrets.map((times) => quantile(times.with, 0.99) / quantile(times.without, 0.99))),
      "a quiet pod's p99 while NMI reads Secrets that take as much work as it allows, over its p99 without",
    ],
    [
      'hostileSecretLongestMs',
      median(besideSecrets.map((times) => Math.max(...times.with))),
      'its longest wait meanwhile, median of the rounds (ms; aim: under 50)',
    ],
    [
      'hostileColdP99Ms',
      hostileCold,
      `p99 of a pod's first token while ${sizes.hostilePods} pods of another namespace do their worst, in the worst way of seven (ms; aim: under 2,000)`,
    ],
  ];
}

function costs({ rss, rssLoaded, starts }: Measured): Shown[] {
  return [
    ['rss110MiB', rss, "NMI's resident memory with 110 pods and 1,000 cached tokens (MiB; aim: at most 80)"],
    ['rssLoadedMiB', rssLoaded, 'the same after a million requests, with new connections among them'],
    ['startMs', median(starts), 'from the start of the process to /readyz 200, 110 pods (ms)'],
  ];
}

export function at<T>(items: readonly T[], index: number): T {
  const item = items[index];
  if (item === undefined) throw new RangeError(`there is no ${index}`);
  return item;
}
