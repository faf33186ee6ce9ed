import { collectDefaultMetrics, Registry, type Metric } from 'prom-client';
import type { MetricSpec, MetricSpecs } from '../core/metrics.ts';
import { createRecorder, type Recorder } from './recorders.ts';
import type { Labels } from './series.ts';

type Named<S extends MetricSpecs, Kind extends MetricSpec['kind']> = {
  [Key in keyof S]: Kind extends S[Key]['kind'] ? Key : never;
}[keyof S];

/** A value outside the declared set is recorded as `other`. */
export type LabelsOf<M extends MetricSpec> = Readonly<Record<keyof NonNullable<M['labels']>, string>>;

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
  const recorders = Object.fromEntries(
    Object.entries(specs).map(([key, spec]) => [key, registered(spec, registry)]),
  ) as Record<keyof S, Recorder>;
  const record = (key: keyof S, value: number, labels?: Labels) => recorders[key].record(value, labels);
  return {
    count: (key, labels, by = 1) => record(key, by, labels),
    set: (key, value, labels) => record(key, value, labels),
    observe: (key, value, labels) => record(key, value, labels),
    text: () => registry.metrics(),
  };
}

/** A metric for a registry, whose values are collected on read. */
function registered(spec: MetricSpec, registry: Registry): Recorder {
  const recorder = createRecorder(spec);
  const { name, help, kind: type } = spec;
  const metric = {
    name,
    help,
    type,
    aggregator: 'sum',
    get: () => Promise.resolve({ name, help, type, aggregator: 'sum', values: recorder.samples() }),
  };
  registry.registerMetric(metric as unknown as Metric);
  return recorder;
}
