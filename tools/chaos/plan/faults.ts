// The faults of a run: measured ones one after another, each with its recovery time, and
// transient ones at any time on the hosts that operations use.
import type { Random } from './random.ts';
import { mainHosts, probeHosts, nmiNodes } from './scene.ts';

export interface FaultKind {
  /** From when the recovery time counts. */
  readonly from: 'start' | 'end';
  /** The shortest and longest duration, in milliseconds. */
  readonly holdMs: readonly [least: number, most: number];
  readonly what: string;
}

export const faultKinds = {
  'mic-killed': { from: 'start', holdMs: [0, 1_500], what: 'the leading MIC is killed' },
  'mic-stopped': {
    from: 'start',
    holdMs: [4_500, 7_000],
    what: 'the leading MIC stands still for longer than its lease',
  },
  'mic-terminated': {
    from: 'start',
    holdMs: [0, 1_500],
    what: 'the leading MIC is told to end (SIGTERM)',
  },
  'mic-cut-off': {
    from: 'start',
    holdMs: [4_500, 7_000],
    what: 'no request of the leading MIC reaches the API server',
  },
  'nmi-terminated': { from: 'end', holdMs: [0, 0], what: 'an NMI is told to end, and started again' },
  'nmi-stopped': {
    from: 'end',
    holdMs: [2_000, 7_000],
    what: 'an NMI stands still while a right is revoked',
  },
  'nmi-cut-off': {
    from: 'end',
    holdMs: [3_000, 8_000],
    what: 'no request of the NMIs reaches the API server',
  },
  'imds-hangs': { from: 'end', holdMs: [2_000, 6_000], what: 'the metadata service does not answer' },
  'imds-fails': { from: 'end', holdMs: [2_000, 5_000], what: 'the metadata service answers 500' },
  'imds-cut-off': { from: 'end', holdMs: [2_000, 5_000], what: 'the metadata service closes connections' },
  'right-withdrawn': {
    from: 'start',
    holdMs: [0, 0],
    what: 'a ServiceAccount loses the right to its identity (mode `rbac`)',
  },
  'nmi-killed': { from: 'start', holdMs: [0, 0], what: 'an NMI is killed and started again' },
  'api-outage': { from: 'end', holdMs: [3_000, 8_000], what: 'the API server refuses connections' },
  'api-outage-410': {
    from: 'end',
    holdMs: [3_000, 8_000],
    what: 'the same, and it has forgotten older versions',
  },
  'api-errors-mic': {
    from: 'end',
    holdMs: [2_000, 5_000],
    what: 'the API server answers the MICs with 429 or 503',
  },
  'api-errors-nmi': {
    from: 'end',
    holdMs: [2_000, 5_000],
    what: 'the API server answers the NMIs with 429 or 503',
  },
  'watches-half-open': {
    from: 'start',
    holdMs: [0, 0],
    what: 'no byte comes over the watches that are open',
  },
  'arm-answer-lost': { from: 'end', holdMs: [0, 0], what: 'ARM carries out a PATCH and its answer is lost' },
  'kube-answer-lost': { from: 'end', holdMs: [0, 0], what: 'a write is stored and its answer is lost' },
  'arm-slow': { from: 'end', holdMs: [2_000, 6_000], what: 'an update of a host takes long' },
  'arm-late-failure': {
    from: 'end',
    holdMs: [300, 1_500],
    what: 'an update of a host fails after it was accepted',
  },
  'host-updating': { from: 'end', holdMs: [2_000, 6_000], what: 'somebody else updates the host (409)' },
  'arm-429': { from: 'end', holdMs: [1_000, 3_000], what: 'ARM answers 429 for a host' },
  'roles-revoked': { from: 'end', holdMs: [1_000, 3_000], what: 'MIC has no right to update a host' },
} as const satisfies Record<string, FaultKind>;

export type FaultName = keyof typeof faultKinds;
export const faultNames = Object.keys(faultKinds) as FaultName[];

/** The mode of `--identity-access`. */
export type AccessMode = 'namespace' | 'rbac';

export function faultsOf(mode: AccessMode): readonly FaultName[] {
  return mode === 'rbac' ? faultNames : faultNames.filter((name) => name !== 'right-withdrawn');
}

/** A fault and the pod by which its recovery is measured. */
export interface MeasuredFault {
  readonly kind: FaultName;
  /** Counts from 0: names of the pods come from it. */
  readonly number: number;
  readonly holdMs: number;
  readonly host: string;
  /** The node, for faults of NMI. */
  readonly node: string;
  /** 429 instead of 503, for faults with a choice. */
  readonly throttles: boolean;
}

export const passingKinds = [
  ...['arm-answer-lost', 'arm-dropped', 'arm-slow', 'arm-late-failure', 'host-updating', 'arm-429'],
  ...['kube-answer-lost', 'kube-dropped', 'kube-503', 'kube-slow'],
] as const;

export interface PassingFault {
  readonly kind: (typeof passingKinds)[number];
  /** Milliseconds after the start. */
  readonly at: number;
  readonly holdMs: number;
  readonly host: string;
}

/** Each kind at least twice in four minutes; fewer kinds in a shorter run: about one fault in five seconds. */
export function planMeasured(random: Random, durationMs: number, mode: AccessMode): MeasuredFault[] {
  const names = faultsOf(mode);
  const wholeMs = 120_000;
  const rounds = Math.floor(durationMs / wholeMs);
  const rest = Math.round(((durationMs - rounds * wholeMs) / wholeMs) * names.length);
  const kinds = [
    ...Array.from({ length: rounds }, () => random.shuffle(names)).flat(),
    ...random.shuffle(names).slice(0, rest),
  ];
  return kinds.map((kind, number) => ({
    kind,
    number,
    holdMs: holdOf(random, faultKinds[kind]),
    host: probeHosts[number % probeHosts.length] ?? '',
    node: random.pick(nmiNodes),
    throttles: random.below(2) === 0,
  }));
}

export function planPassing(random: Random, durationMs: number): PassingFault[] {
  const faults: PassingFault[] = [];
  for (let at = random.between(1_000, 4_000); at < durationMs; at += random.between(2_000, 9_000)) {
    const [kind, host] = [random.pick(passingKinds), random.pick(mainHosts)];
    faults.push({ kind, at, holdMs: random.between(500, 6_000), host });
  }
  return faults;
}

const holdOf = (random: Random, { holdMs: [least, most] }: FaultKind): number => random.between(least, most);
