import type { FlagReading, FlagSpec } from './flag-spec.ts';

const klog = (kind: FlagSpec['kind']) => (name: string) =>
  ({ name, kind, default: undefined, help: 'Accepted without effect.' }) satisfies FlagSpec;

/** Flags of the original's logging library: accepted without effect, because manifests and charts set them. */
export const klogFlags: readonly FlagSpec[] = [
  ...[
    'logtostderr',
    'alsologtostderr',
    'add_dir_header',
    'skip_headers',
    'skip_log_headers',
    'one_output',
  ].map(klog('boolean')),
  ...['log_dir', 'log_file', 'log_file_max_size', 'stderrthreshold', 'vmodule', 'log_backtrace_at'].map(
    klog('string'),
  ),
];

export const klogNote = 'klog is not used: the log goes to standard output';

/** The given ones, for a log line; undefined if there are none. */
export function klogFlagsGiven({ given }: Pick<FlagReading, 'given'>): string | undefined {
  const names = klogFlags.flatMap(({ name }) => (given.has(name) ? [name] : []));
  return names.length === 0 ? undefined : names.join(', --');
}
