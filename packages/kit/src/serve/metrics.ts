import type { MetricSpec, MetricSpecs } from '../core/metrics.ts';

type Named<S extends MetricSpecs, Kind extends MetricSpec['kind']> = {
  [Key in keyof S]: Kind extends S[Key]['kind'] ? Key : never;
}[keyof S];

/** Any string may be passed as a value: one outside the declared set is counted as `other`. */
export type LabelsOf<M extends MetricSpec> = Readonly<Record<keyof NonNullable<M['labels']>, string>>;

export interface Metrics<S extends MetricSpecs> {
  count<Key extends Named<S, 'counter'>>(key: Key, labels?: LabelsOf<S[Key]>, by?: number): void;
  set<Key extends Named<S, 'gauge'>>(key: Key, value: number, labels?: LabelsOf<S[Key]>): void;
  observe<Key extends Named<S, 'histogram'>>(key: Key, value: number, labels?: LabelsOf<S[Key]>): void;
  /** The Prometheus text format, with the process's own metrics. */
  text(): Promise<string>;
}
export function createMetrics<const S extends MetricSpecs>(specs: S): Metrics<S> { throw new Error('soon'); }
