export interface Figure {
  readonly name: string;
  /** Undefined if it could not be measured; `what` says why. */
  readonly value: number | undefined;
  /** The lowest and the highest of the samples of which the value is the median. */
  readonly spread?: readonly [lowest: number, highest: number];
  readonly what: string;
}
export type Figures = readonly Figure[];

export function median(samples: readonly number[]): number {
  const sorted = [...samples].sort((a, b) => a - b);
  const middle = sorted.length >> 1;
  const upper = sorted[middle] ?? NaN;
  return sorted.length % 2 === 1 ? upper : ((sorted[middle - 1] ?? NaN) + upper) / 2;
}

/** The quantile for a share of 0 to 1. */
export function quantile(samples: readonly number[], share: number): number {
  const sorted = [...samples].sort((a, b) => a - b);
  return sorted[Math.min(sorted.length - 1, Math.ceil(share * sorted.length) - 1)] ?? NaN;
}

/** Three significant digits, because a shared machine measures no better. */
export function rounded(value: number): number {
  return Number(value.toPrecision(3));
}

export function table(area: string, figures: Figures): string {
  const width = Math.max(...figures.map(({ name }) => name.length));
  const numbers = figures.map(({ value }) => (value === undefined ? '-' : shown(value)));
  const numberWidth = Math.max(...numbers.map((number) => number.length));
  const rows = figures.map(({ name, what, spread }, index) => {
    const range = spread === undefined ? '' : ` (${spread.map(shown).join(' to ')})`;
    return `  ${name.padEnd(width)}  ${(numbers[index] ?? '').padStart(numberWidth)}  ${what}${range}`;
  });
  return [area, ...rows].join('\n');
}

const shown = (value: number) => value.toLocaleString('en', { maximumFractionDigits: 3 });
