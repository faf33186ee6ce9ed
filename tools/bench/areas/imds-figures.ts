import { median, rounded, type Figure, type Figures } from '../report.ts';

/** By one process. */
export interface Taken {
  readonly importMs: number;
  readonly cpuMs: number;
  readonly residentMiB: number;
  readonly cachedNs?: number;
}

/** A process of each client, and one that does nothing. */
export interface Round {
  readonly bare: Taken;
  readonly ours: Taken;
  readonly identity: Taken;
  readonly msal: Taken;
}

export interface Runtime {
  /** Of the names of its figures. */
  readonly suffix: string;
  readonly version: string;
  /** None without this version of Node.js. */
  readonly rounds: readonly Round[];
}

type Client = Exclude<keyof Round, 'bare'>;
type Cost = 'importMs' | 'cpuMs' | 'residentMiB';

export function figuresOf(runtimes: readonly Runtime[], gzipBytes: number): Figures {
  const size = { name: 'gzipBytes', value: gzipBytes, what: 'of the minified library, with gzip' };
  return [size, ...runtimes.flatMap(figuresIn)];
}

function figuresIn({ suffix, version, rounds }: Runtime): Figures {
  const named = ({ name, value, what }: Figure): Figure => ({
    name: `${name}${suffix}`,
    value: rounds.length === 0 ? undefined : value,
    what: `${what}; Node ${version}`,
  });
  const cached = rounds.map(({ ours }) => ours.cachedNs ?? NaN);
  const cachedNs = {
    name: 'cachedNs',
    value: rounded(median(cached)),
    what: 'nanoseconds of a token from the cache of imds-client, the fastest of a hundred series',
  };
  return [
    ...ratios(rounds, { client: 'identity', title: '@azure/identity', suffix: '' }),
    cachedNs,
    ...ratios(rounds, { client: 'msal', title: '@azure/msal-node', suffix: 'Msal' }),
    { name: 'importMs', value: rounded(costOf(rounds, 'ours', 'importMs')), what: 'to import imds-client' },
    {
      name: 'memoryMiB',
      value: rounded(costOf(rounds, 'ours', 'residentMiB')),
      what: 'resident memory of a process with imds-client and one token, above bare Node.js',
    },
    {
      name: 'cpuMs',
      value: rounded(costOf(rounds, 'ours', 'cpuMs')),
      what: 'processor time of such a process, above bare Node.js',
    },
  ].map(named);
}

interface Rival {
  readonly client: Client;
  readonly title: string;
  readonly suffix: string;
}

/** How many times as much another client takes. */
function ratios(rounds: readonly Round[], { client, title, suffix }: Rival): Figures {
  const times = (cost: Cost) => rounded(costOf(rounds, client, cost) / costOf(rounds, 'ours', cost));
  const against = `of ${title}, as a multiple of that of imds-client`;
  return [
    { name: `importSpeedup${suffix}`, value: times('importMs'), what: `import time ${against}` },
    {
      name: `memoryRatio${suffix}`,
      value: times('residentMiB'),
      what: `resident memory above bare Node.js, with one token, ${against}`,
    },
    {
      name: `cpuRatio${suffix}`,
      value: times('cpuMs'),
      what: `processor time above bare Node.js, until the token, ${against}`,
    },
  ];
}

/** The median of what a client takes more than the process that does nothing; at least what can be measured. */
function costOf(rounds: readonly Round[], client: Client, cost: Cost): number {
  const of = (who: keyof Round) => median(rounds.map((round) => round[who][cost]));
  return Math.max(0.01, of(client) - of('bare'));
}

export function shown(round: Round): string {
  const one = ({ importMs, residentMiB, cpuMs }: Taken) =>
    `${importMs.toFixed(1)} ms, ${residentMiB.toFixed(1)} MiB, ${cpuMs.toFixed(0)} ms`;
  const { bare, ours, identity, msal } = round;
  const all = [`bare ${one(bare)}`, `imds-client ${one(ours)}, ${(ours.cachedNs ?? NaN).toFixed(0)} ns`];
  return [
    ...all,
    `@azure/identity ${one(identity)}`,
    `msal-node ${one(msal)} (import, memory, processor)`,
  ].join('; ');
}
