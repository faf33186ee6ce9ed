// Metrics as plain numbers: recording a value with prom-client takes microseconds.
import type { MetricSpec } from '../core/metrics.ts';
import { combinationsOf, createSeries, type Labels } from './series.ts';

/** A value in prom-client's form. */
export interface Sample {
  readonly value: number;
  readonly labels: Readonly<Record<string, string | number>>;
  /** Default: the name of the metric. */
  readonly metricName?: string;
}

export interface Recorder {
  record(value: number, labels?: Labels): void;
  samples(): readonly Sample[];
}

export function createRecorder(spec: MetricSpec): Recorder {
  switch (spec.kind) {
    case 'counter':
      return createNumbers(spec, (before, value) => before + value);
    case 'gauge':
      return createNumbers(spec, (_, value) => value);
    case 'histogram':
      return createHistogram(spec);
  }
}

function createNumbers(
  { kind, labels }: MetricSpec,
  next: (before: number, value: number) => number,
): Recorder {
  const series = createSeries(labels, (closed) => ({ labels: closed, value: 0 }));
  // A metric without labels has its series from the start, and a counter has all: Prometheus' increase() does not see the first event
  // of a series that begins with it.
  if (labels === undefined) series.of();
  else if (kind === 'counter') for (const one of combinationsOf(labels)) series.of(one);
  return {
    record(value, of) {
      const one = series.of(of);
      one.value = next(one.value, finite(value));
    },
    samples: () => series.all(),
  };
}

interface Counts {
  readonly labels: Labels;
  /** By bucket; the last one for values above all bounds. */
  readonly counts: number[];
  sum: number;
}

function createHistogram({ name, labels, buckets = [] }: MetricSpec): Recorder {
  const create = (closed: Labels): Counts => ({
    labels: closed,
    sum: 0,
    counts: Array.from({ length: buckets.length + 1 }, () => 0),
  });
  const series = createSeries(labels, create);
  if (labels === undefined) series.of();
  return {
    record(value, of) {
      const one = series.of(of);
      one.sum += finite(value);
      let index = 0;
      for (const bound of buckets) {
        if (value <= bound) break;
        index += 1;
      }
      one.counts[index] = (one.counts[index] ?? 0) + 1;
    },
    samples: () => series.all().flatMap((one) => samplesOf(name, buckets, one)),
  };
}

function samplesOf(name: string, buckets: readonly number[], { labels, counts, sum }: Counts): Sample[] {
  let count = 0;
  const below = counts.map((more, index): Sample => {
    count += more;
    return {
      value: count,
      labels: { le: buckets[index] ?? '+Inf', ...labels },
      metricName: `${name}_bucket`,
    };
  });
  return [
    ...below,
    { value: sum, labels, metricName: `${name}_sum` },
    { value: count, labels, metricName: `${name}_count` },
  ];
}

function finite(value: number): number {
  if (!Number.isFinite(value)) throw new TypeError(`a metric cannot record ${value}`);
  return value;
}
