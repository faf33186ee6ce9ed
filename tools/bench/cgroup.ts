// A memory cgroup for one process, to measure memory as a kubelet does.
import { mkdirSync, readFileSync, rmdirSync } from 'node:fs';
import { join } from 'node:path';
import { inspect } from 'node:util';

export interface MemoryCgroup {
  /** A process joins by writing its id here. */
  readonly processes: string;
  /** Used memory without inactive file pages: a kubelet's working set. */
  workingSetMiB(): number;
  /** Works only after its processes have ended. */
  remove(): void;
}

const root = '/sys/fs/cgroup';

/** By version of cgroups: the folder, and the names of the counters. */
const versions = [
  { controller: '', folder: root, usage: 'memory.current', inactive: 'inactive_file' },
  {
    controller: 'memory',
    folder: `${root}/memory`,
    usage: 'memory.usage_in_bytes',
    inactive: 'total_inactive_file',
  },
] as const;

/** Below the cgroup of this process, whose limits apply. Returns the reason if it cannot be created. */
export function createMemoryCgroup(name: string): MemoryCgroup | string {
  const reasons: string[] = [];
  for (const { controller, folder, usage, inactive } of versions) {
    const created = join(folder, ownPath(controller) ?? '', name);
    try {
      mkdirSync(created);
    } catch (error) {
      reasons.push(inspect(error, { depth: 0, compact: true }).split('\n')[0] ?? '');
      continue;
    }
    const read = (file: string) => readFileSync(join(created, file), 'utf8');
    const cgroup: MemoryCgroup = {
      processes: join(created, 'cgroup.procs'),
      workingSetMiB: () => {
        const idle = new RegExp(`^${inactive} (\\d+)`, 'm').exec(read('memory.stat'))?.[1];
        return (Number(read(usage)) - Number(idle)) / 1024 / 1024;
      },
      remove: () => rmdirSync(created),
    };
    if (Number.isFinite(tried(() => cgroup.workingSetMiB()))) return cgroup;
    cgroup.remove();
    reasons.push(`${created} counts no memory`);
  }
  return reasons.join('; ');
}

/** The path of this process in the hierarchy of the controller; that of version 2 has no name. */
function ownPath(controller: string): string | undefined {
  const lines = readFileSync('/proc/self/cgroup', 'utf8').split('\n');
  const line = lines.map((text) => text.split(':')).find(([, controllers]) => controllers === controller);
  return line?.slice(2).join(':');
}

function tried(read: () => number): number {
  try {
    return read();
  } catch {
    return NaN;
  }
}
