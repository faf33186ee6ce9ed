import { droppedFlag } from './flag-table.ts';
import { text, truth } from './flag-type.ts';

export const klogWhy = 'klog is not used: the log goes to standard output';

const switches = 'logtostderr alsologtostderr add_dir_header skip_headers skip_log_headers one_output';
const texts = 'log_dir log_file log_file_max_size stderrthreshold vmodule log_backtrace_at';

/** Flags of the original's logging library, with any value. */
export const klogFlags = [
  ...switches.split(' ').map((name) => droppedFlag(name, truth(false), klogWhy)),
  ...texts.split(' ').map((name) => droppedFlag(name, text(), klogWhy)),
];
