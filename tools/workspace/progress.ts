// What a test run says of itself while it runs and at its end, as text.

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

/** @param columns Of the terminal; undefined for no limit. */
export function progressLine(progress: Progress, columns?: number): string {
  const { filesDone, files, running } = progress;
  const now = running.length === 0 ? '' : `: ${running.map(shortName).join(', ')}`;
  const line = `${filesDone}/${files} files, ${countLine(progress)}, ${minutes(progress.seconds)}${now}`;
  return columns === undefined || line.length < columns ? line : `${line.slice(0, columns - 2)}…`;
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
