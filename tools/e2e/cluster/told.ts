import type { PrintedLines } from '../../stage/printed-lines.ts';

const patienceMs = 120_000;

/** The next line from now on that fits. */
export function nextLine(
  lines: PrintedLines,
  fits: (line: string) => boolean = () => true,
  withinMs = patienceMs,
): Promise<string> {
  return lineAfter(lines, lines.all.length, { fits, withinMs });
}

/** The first line that fits after so many. */
export function lineAfter(
  lines: PrintedLines,
  count: number,
  { fits, withinMs = patienceMs }: { readonly fits: (line: string) => boolean; readonly withinMs?: number },
): Promise<string> {
  let seen = 0;
  return lines.first((line) => {
    seen += 1;
    return seen > count && fits(line);
  }, withinMs);
}
