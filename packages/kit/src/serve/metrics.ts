import { collectDefaultMetrics, Counter, Gauge, Histogram, Registry } from 'prom-client';
import type { MetricSpec, MetricSpecs } from '../core/metrics.ts';

type Named<S extends MetricSpecs, Kind extends MetricSpec['kind']> = {
  [Key in keyof S]: Kind extends S[Key]['kind'] ? Key : never;
}[keyof S];

/** Any string may be passed as a value: one outside the declared set is recorded as `other`. */
export type LabelsOf<M extends MetricSpec> = Readonly<Record<keyof NonNullable<M['labels']>, string>>;

export interface Metrics<S extends MetricSpecs> {
  count<Key extends Named<S, 'counter'>>(key: Key, labels?: LabelsOf<S[Key]>, by?: number): void;
  set<Key extends Named<S, 'gauge'>>(key: Key, value: number, labels?: LabelsOf<S[Key]>): void;
  observe<Key extends Named<S, 'histogram'>>(key: Key, value: number, labels?: LabelsOf<S[Key]>): void;
  /** The Prometheus text format, with the process's own metrics. */
  text(): Promise<string>;
}

/** The metrics of a program, in a registry of their own. */
export function createMetrics<const S extends MetricSpecs>(specs: S): Metrics<S> {
  const registry = new Registry();
  collectDefaultMetrics({ register: registry });
  const recorders = new Map<keyof S, Recorder>(
    Object.entries(specs).map(([key, spec]) => [key, createRecorder(spec, registry)]),
  );
  const record = (key: keyof S, value: number, labels?: Labels) => recorders.get(key)?.(value, labels);
  return {
    count: (key, labels, by = 1) => record(key, by, labels),
    set: (key, value, labels) => record(key, value, labels),
    observe: (key, value, labels) => record(key, value, labels),
    text: () => registry.metrics(),
  };
}

type Labels = Readonly<Record<string, string>>;
type Recorder = (value: number, labels?: Labels) => void;

function createRecorder(spec: MetricSpec, registry: Registry): Recorder {
  const closed = createLabelCloser(spec);
  const common = {
    name: spec.name,
    help: spec.help,
    labelNames: Object.keys(spec.labels ?? {}),
    registers: [registry],
  };
  switch (spec.kind) {
    case 'counter': {
      const counter = new Counter(common);
      return (value, labels) => counter.inc(closed(labels), value);
    }
    case 'gauge': {
      const gauge = new Gauge(common);
      return (value, labels) => gauge.set(closed(labels), value);
    }
    case 'histogram': {
      const histogram = new Histogram({ ...common, ...(spec.buckets ? { buckets: [...spec.buckets] } : {}) });
      return (value, labels) => histogram.observe(closed(labels), value);
    }
  }
}

/** Only values of the declared sets. There are few of them, so each combination is put together once. */
function createLabelCloser({ labels: declared = {} }: MetricSpec): (labels?: Labels) => Labels {
  const names = Object.entries(declared);
  const known = new Map<string, Labels>();
  return (labels = {}) => {
    let key = '';
    for (const [name, allowed] of names) key += `${closedValue(allowed, labels[name])}\n`;
    let closed = known.get(key);
    if (!closed) {
      closed = Object.fromEntries(names.map(([name, allowed]) => [name, closedValue(allowed, labels[name])]));
      known.set(key, closed);
    }
    return closed;
  };
}

function closedValue(allowed: readonly string[], value: string | undefined): string {
  return value !== undefined && allowed.includes(value) ? value : 'other';
}
