// The kernel's counters of a process.
import { readdirSync, readFileSync } from 'node:fs';
import { readFile } from 'node:fs/promises';

/** Resident memory. */
export function residentMiB(pid: number): Promise<number> {
  return statusMiB(pid, 'VmRSS');
}

/** The part of it that is not backed by files, and not shared with other processes. */
export function anonymousMiB(pid: number): Promise<number> {
  return statusMiB(pid, 'RssAnon');
}

async function statusMiB(pid: number, field: string): Promise<number> {
  const status = await readFile(`/proc/${pid}/status`, 'utf8');
  return Number(new RegExp(`^${field}:\\s+(\\d+) kB`, 'm').exec(status)?.[1]) / 1024;
}

/** Processor time of all its live threads (microseconds). /proc/PID/stat has a resolution of only 10 ms. */
export function cpuMicroseconds(pid: number): number {
  let nanoseconds = 0;
  for (const thread of readdirSync(`/proc/${pid}/task`))
    nanoseconds += Number(readFileSync(`/proc/${pid}/task/${thread}/schedstat`, 'utf8').split(' ')[0]);
  return nanoseconds / 1000;
}
