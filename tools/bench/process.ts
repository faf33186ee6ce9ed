// What the kernel counts of a process.
import { readdirSync, readFileSync } from 'node:fs';
import { readFile } from 'node:fs/promises';

/** Resident memory. */
export function residentMiB(pid: number): Promise<number> {
  return statusMiB(pid, 'VmRSS');
}

/** The part of it that belongs to no file: what the program itself made, which no other process shares. */
export function anonymousMiB(pid: number): Promise<number> {
  return statusMiB(pid, 'RssAnon');
}

async function statusMiB(pid: number, field: string): Promise<number> {
  const status = await readFile(`/proc/${pid}/status`, 'utf8');
  return Number(new RegExp(`^${field}:\\s+(\\d+) kB`, 'm').exec(status)?.[1]) / 1024;
}

/** Processor time of all its threads that run now (microseconds). /proc/PID/stat counts in steps of 10 ms, which is too coarse. */
export function cpuMicroseconds(pid: number): number {
  let nanoseconds = 0;
  for (const thread of readdirSync(`/proc/${pid}/task`))
    nanoseconds += Number(readFileSync(`/proc/${pid}/task/${thread}/schedstat`, 'utf8').split(' ')[0]);
  return nanoseconds / 1000;
}
