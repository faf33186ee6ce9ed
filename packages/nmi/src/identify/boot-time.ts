import { readFileSync } from 'node:fs';

/** When this machine was started, in milliseconds since the epoch; undefined if the kernel does not say. */
export function readBootTime(
  read: () => string = () => readFileSync('/proc/stat', 'latin1'),
): number | undefined {
  try {
    const seconds = /^btime (\d+)$/m.exec(read())?.[1];
    return seconds === undefined ? undefined : Number(seconds) * 1000;
  } catch {
    return undefined;
  }
}
