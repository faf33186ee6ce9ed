import type { MetricSpec } from '../core/metrics.ts';

export type Labels = Readonly<Record<string, string>>;

interface Dimension {
  readonly name: string;
  readonly indexOf: ReadonlyMap<string, number>;
  readonly other: number;
  readonly values: readonly string[];
}

const noLabels: Labels = {};

/**
 * The time series of a metric: one for each used combination of label values. A value outside the declared set counts as `other`, so there are
 * few combinations, in a plain array. A lookup allocates nothing, since each request needs several.
 */
export function createSeries<Series>(declared: MetricSpec['labels'], create: (labels: Labels) => Series) {
  const dimensions = Object.entries(declared ?? {}).map(([name, allowed]) => dimensionOf(name, allowed));
  const found: (Series | undefined)[] = [];
  const positionIn = ({ name, indexOf, other }: Dimension, labels: Labels) =>
    indexOf.get(labels[name] ?? '') ?? other;
  const labelsOf = (labels: Labels): Labels =>
    Object.fromEntries(dimensions.map((one) => [one.name, one.values[positionIn(one, labels)] ?? '']));

  return {
    of(labels = noLabels): Series {
      let index = 0;
      for (const one of dimensions) index = index * one.values.length + positionIn(one, labels);
      return (found[index] ??= create(labelsOf(labels)));
    },
    all: () => found.filter((series) => series !== undefined),
  };
}

/** All combinations of the declared values. */
export function combinationsOf(declared: NonNullable<MetricSpec['labels']>): readonly Labels[] {
  return Object.entries(declared).reduce<readonly Labels[]>(
    (before, [name, values]) =>
      before.flatMap((labels) => values.map((value) => ({ ...labels, [name]: value }))),
    [noLabels],
  );
}

function dimensionOf(name: string, allowed: readonly string[]): Dimension {
  const values = [...new Set([...allowed, 'other'])];
  const indexOf = new Map(values.map((value, index) => [value, index]));
  return { name, indexOf, values, other: values.indexOf('other') };
}
