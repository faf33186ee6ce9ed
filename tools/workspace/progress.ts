// What a test run says of itself while it runs and at its end, as text.
import { cutLine } from './set-up-progress.mjs';

export interface Count {
  readonly passed: number;
  readonly failed: number;
  readonly skipped: number;
}

export interface Progress extends Count {
  readonly files: number;
  readonly filesDone: number;
  readonly seconds: number;
  /** The files that run now. */
  readonly running: readonly string[];
}

export function countLine({ passed, failed, skipped }: Count): string {
  return `${passed} passed, ${failed} failed, ${skipped} skipped`;
}

/** @param columns Of the terminal. Default: no limit. */
export function progressLine(progress: Progress, columns = Infinity): string {
  const { filesDone, files, running } = progress;
  const now = running.length === 0 ? '' : `: ${running.map(shortName).join(', ')}`;
  return cutLine(
    `${filesDone}/${files} files, ${countLine(progress)}, ${minutes(progress.seconds)}${now}`,
    columns,
  );
}

export function minutes(seconds: number): string {
  return `${Math.floor(seconds / 60)}:${String(Math.floor(seconds % 60)).padStart(2, '0')}`;
}

/** Of what a file prints while it is loaded, the lines about tests that it skips. */
export function skipReasons(printed: string): string[] {
  return printed
    .split('\n')
    .map((line) => line.trim())
    .filter((line) => /\bskipped\b|\bnot tested\b/.test(line));
}

const shortName = (path: string) => path.replace(/\.test\.ts$/, '').replace(/^(packages|tools)\//, '');
