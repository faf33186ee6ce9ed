import { collectDefaultMetrics, Counter, Gauge, Histogram, Registry } from 'prom-client';
import type { MetricSpec, MetricSpecs } from '../core/metrics.ts';

type Named<S extends MetricSpecs, Kind extends MetricSpec['kind']> = {
  [Key in keyof S]: Kind extends S[Key]['kind'] ? Key : never;
}[keyof S];

/** A value outside the declared set is recorded as `other`. */
export type LabelsOf<M extends MetricSpec> = Readonly<Record<keyof NonNullable<M['labels']>, string>>;
type Labels = Readonly<Record<string, string>>;
type Child = (value: number) => void;

export interface Metrics<S extends MetricSpecs> {
  count<Key extends Named<S, 'counter'>>(key: Key, labels?: LabelsOf<S[Key]>, by?: number): void;
  set<Key extends Named<S, 'gauge'>>(key: Key, value: number, labels?: LabelsOf<S[Key]>): void;
  observe<Key extends Named<S, 'histogram'>>(key: Key, value: number, labels?: LabelsOf<S[Key]>): void;
  /** The Prometheus text format, including metrics of the process. */
  text(): Promise<string>;
}

/** The metrics of a program, in a separate registry. */
export function createMetrics<const S extends MetricSpecs>(specs: S): Metrics<S> {
  const registry = new Registry();
  collectDefaultMetrics({ register: registry });
  const children = Object.fromEntries(
    Object.entries(specs).map(([key, spec]) => [key, childrenOf(spec, registry)]),
  ) as Record<keyof S, (labels?: Labels) => Child>;
  return {
    count: (key, labels, by = 1) => children[key](labels)(by),
    set: (key, value, labels) => children[key](labels)(value),
    observe: (key, value, labels) => children[key](labels)(value),
    text: () => registry.metrics(),
  };
}

const noLabels: Labels = {};

/** The metric's children by their labels, each of which is made once. A label value is one of the declared set, so there are few. */
function childrenOf(spec: MetricSpec, registry: Registry): (labels?: Labels) => Child {
  const allowed = Object.entries(spec.labels ?? {}).map(([name, values]) => ({
    name,
    values: new Set(values),
  }));
  const childWith = metricOf(spec, registry);
  const kept = new Map<string, Child>();
  const childOf = (labels: Labels): Child => {
    let key = '';
    for (const { name, values } of allowed) key += `|${closed(values, labels[name])}`;
    let child = kept.get(key);
    if (child === undefined) {
      child = childWith(
        Object.fromEntries(allowed.map(({ name, values }) => [name, closed(values, labels[name])])),
      );
      kept.set(key, child);
    }
    return child;
  };
  // Prometheus' increase() does not see the first event of a series that begins with it.
  if (spec.kind === 'counter') for (const labels of combinationsOf(spec.labels ?? {})) childOf(labels)(0);
  return (labels = noLabels) => childOf(labels);
}

function closed(values: ReadonlySet<string>, value = ''): string {
  return values.has(value) ? value : 'other';
}

function metricOf(
  { kind, name, help, labels = {}, buckets = [] }: MetricSpec,
  registry: Registry,
): (labels: Labels) => Child {
  const options = { name, help, labelNames: Object.keys(labels), registers: [registry] };
  switch (kind) {
    case 'counter': {
      const counter = new Counter(options);
      return (of) => (value) => counter.inc(of, value);
    }
    case 'gauge': {
      const gauge = new Gauge(options);
      return (of) => (value) => gauge.set(of, value);
    }
    case 'histogram': {
      const histogram = new Histogram({ ...options, buckets: [...buckets] });
      return (of) => (value) => histogram.observe(of, value);
    }
  }
}

/** All combinations of the declared values. */
function combinationsOf(declared: NonNullable<MetricSpec['labels']>): readonly Labels[] {
  return Object.entries(declared).reduce<readonly Labels[]>(
    (before, [name, values]) =>
      before.flatMap((labels) => values.map((value) => ({ ...labels, [name]: value }))),
    [noLabels],
  );
}
