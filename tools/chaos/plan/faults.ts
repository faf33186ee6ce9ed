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

const fault = (from: FaultKind['from'], holdMs: FaultKind['holdMs'], what: string): FaultKind => ({
  from,
  holdMs,
  what,
});

export const faultKinds = {
  'mic-killed': fault('start', [0, 1_500], 'the leading MIC is killed'),
  'mic-stopped': fault('start', [4_500, 7_000], 'the leading MIC stands still for longer than its lease'),
  'mic-terminated': fault('start', [0, 1_500], 'the leading MIC is told to end (SIGTERM)'),
  'mic-cut-off': fault('start', [4_500, 7_000], 'no request of the leading MIC reaches the API server'),
  'nmi-terminated': fault('end', [0, 0], 'an NMI is told to end, and started again'),
  'nmi-stopped': fault('end', [2_000, 7_000], 'an NMI stands still while a right is revoked'),
  'nmi-cut-off': fault('end', [3_000, 8_000], 'no request of the NMIs reaches the API server'),
  'imds-hangs': fault('end', [2_000, 6_000], 'the metadata service does not answer'),
  'imds-fails': fault('end', [2_000, 5_000], 'the metadata service answers 500'),
  'imds-cut-off': fault('end', [2_000, 5_000], 'the metadata service closes connections'),
  'right-withdrawn': fault('start', [0, 0], 'a ServiceAccount loses the right to its identity (mode `rbac`)'),
  'nmi-killed': fault('start', [0, 0], 'an NMI is killed and started again'),
  'api-outage': fault('end', [3_000, 8_000], 'the API server refuses connections'),
  'api-outage-410': fault('end', [3_000, 8_000], 'the same, and it has forgotten older versions'),
  'api-errors-mic': fault('end', [2_000, 5_000], 'the API server answers the MICs with 429 or 503'),
  'api-errors-nmi': fault('end', [2_000, 5_000], 'the API server answers the NMIs with 429 or 503'),
  'watches-half-open': fault('start', [0, 0], 'no byte comes over the watches that are open'),
  'arm-answer-lost': fault('end', [0, 0], 'ARM carries out a PATCH and its answer is lost'),
  'kube-answer-lost': fault('end', [0, 0], 'a write is stored and its answer is lost'),
  'arm-slow': fault('end', [2_000, 6_000], 'an update of a host takes long'),
  'arm-late-failure': fault('end', [300, 1_500], 'an update of a host fails after it was accepted'),
  'host-updating': fault('end', [2_000, 6_000], 'somebody else updates the host (409)'),
  'arm-429': fault('end', [1_000, 3_000], 'ARM answers 429 for a host'),
  'roles-revoked': fault('end', [1_000, 3_000], 'MIC has no right to update a host'),
} satisfies Record<string, FaultKind>;

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
