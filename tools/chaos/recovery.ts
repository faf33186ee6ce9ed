// Recovery times over many runs.
import { faultKinds, faultNames, type FaultName } from './plan/faults.ts';

export interface Recovery {
  readonly kind: FaultName;
  readonly ms: number;
}

/** By the nearest rank: with 20 samples p99 is the longest. */
export function percentile(sorted: readonly number[], share: number): number {
  return sorted[Math.max(0, Math.ceil(sorted.length * share) - 1)] ?? NaN;
}

export interface RecoveryRow {
  readonly kind: FaultName;
  readonly count: number;
  readonly p50: number;
  readonly p99: number;
}

export function summarise(recoveries: readonly Recovery[]): RecoveryRow[] {
  return faultNames.flatMap((kind) => {
    const times = recoveries
      .filter((one) => one.kind === kind)
      .map(({ ms }) => ms)
      .sort((a, b) => a - b);
    if (times.length === 0) return [];
    return { kind, count: times.length, p50: percentile(times, 0.5), p99: percentile(times, 0.99) };
  });
}

const seconds = (ms: number): string => (ms / 1000).toFixed(1);

/** A table in Markdown. */
export function recoveryTable(recoveries: readonly Recovery[]): string[] {
  const rows = summarise(recoveries).map(
    ({ kind, count, p50, p99 }) =>
      `| ${kind} | ${faultKinds[kind].what} | ${faultKinds[kind].from} | ${count} | ${seconds(p50)} | ${seconds(p99)} |`,
  );
  const head = '| fault | what happens | counted from its | samples | p50 s | p99 s |';
  return [head, '| --- | --- | --- | --- | --- | --- |', ...rows];
}
