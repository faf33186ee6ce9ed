// What the worlds of the alerts are made of: series in promtool's notation. `1x90` is 1 for 90 minutes, `0+6x90` grows by 6 a minute, `_x90` is no
// sample.

export type Series = Readonly<Record<string, string>>;

/** One world, or several. */
export interface Case {
  readonly fires: Series | readonly Series[];
  readonly quiet: Series | readonly Series[];
}

export const nmi = (name: string, labels = '') =>
  `aadpodidentity_nmi_${name}{job="nmi",instance="n1"${labels}}`;
export const mic = (name: string, labels = '') =>
  `aadpodidentity_mic_${name}{job="mic",instance="m1"${labels}}`;
export const broker = (name: string, labels = '') =>
  `aadpodidentity_broker_${name}{job="broker",instance="b1"${labels}}`;
/** A histogram whose observations all lie between two bounds, six a minute. */
export const observed = (name: string, labels: string, [below, upTo]: readonly [string, string]): Series => ({
  [`${name}_bucket{${labels},le="${below}"}`]: '0x90',
  [`${name}_bucket{${labels},le="${upTo}"}`]: '0+6x90',
  [`${name}_bucket{${labels},le="+Inf"}`]: '0+6x90',
});
export const MiB = 1024 * 1024;
export const started = (job: string, instance: string) =>
  `process_start_time_seconds{job="${job}",instance="${instance}"}`;
