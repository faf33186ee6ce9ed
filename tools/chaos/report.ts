// The result of a run, as JSON and as text.
import type { Resources, Violation } from './judge/history.ts';
import { judgeStrikes } from './judge/limits.ts';
import { recoveryTable, type Recovery } from './recovery.ts';

export interface ReportedViolation extends Violation {
  /** What was done before it, and how long before. */
  readonly history: readonly string[];
}

export interface Report {
  readonly seed: number;
  readonly minutes: number;
  readonly operations: number;
  /** Measured and transient ones. */
  readonly faults: number;
  /** Of each fault. */
  readonly strikes: readonly { readonly kind: string; readonly hits: number }[];
  readonly answers: number;
  readonly tokens: number;
  /** Calls over a connection of an earlier one. */
  readonly reused: number;
  readonly resources: readonly Resources[];
  /** From the end of all faults until no problem was left. */
  readonly convergenceMs: number;
  readonly recoveries: readonly Recovery[];
  readonly violations: readonly ReportedViolation[];
}

const mostShown = 20;

export function reportLines(report: Report): string[] {
  const { seed, minutes, operations, faults, answers, tokens, reused, convergenceMs, violations } = report;
  return [
    `seed ${seed}, ${minutes} min: ${operations} operations, ${faults} faults, ${answers} calls for tokens (${tokens} given, ${reused} over kept connections)`,
    `all as wanted ${(convergenceMs / 1000).toFixed(1)} s after the last fault`,
    ...report.resources.map(
      ({ service, memoryMiB, lagMs }) => `${service}: ${memoryMiB} MiB, event loop p99 ${lagMs} ms`,
    ),
    ...recoveryTable(report.recoveries),
    `${violations.length} violations`,
    ...violations
      .slice(0, mostShown)
      .flatMap(({ rule, what, history }) => [
        `  ${rule}: ${what}`,
        ...history.map((line) => `      ${line}`),
      ]),
    ...(violations.length > mostShown ? [`  and ${violations.length - mostShown} more: see --json`] : []),
    ...(violations.length > 0
      ? [`again: node tools/workspace/bootstrap.mjs chaos --seed ${seed} --minutes ${minutes}`]
      : []),
  ];
}

/** Several runs as one. */
export function sumLines(reports: readonly Report[]): string[] {
  const dirty = reports.filter(({ violations }) => violations.length > 0);
  const strikes = reports.flatMap((report) => report.strikes.map((strike) => ({ at: 0, ...strike })));
  const total = (count: (report: Report) => number) =>
    reports.reduce((sum, report) => sum + count(report), 0);
  return [
    `${reports.length} runs, ${total(({ operations }) => operations)} operations, ${total(({ faults }) => faults)} faults, ` +
      `${total(({ answers }) => answers)} calls for tokens`,
    ...recoveryTable(reports.flatMap(({ recoveries }) => recoveries)),
    ...judgeStrikes({ strikes }).map(({ rule, what }) => `  ${rule}: ${what}`),
    dirty.length === 0
      ? 'no violations'
      : `violations in ${dirty.map(({ seed, violations }) => `seed ${seed} (${violations.length})`).join(', ')}`,
  ];
}
