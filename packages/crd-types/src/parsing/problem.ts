/** One thing that is wrong with a value, and what to do about it. */
export interface Problem {
  /** Path such as `spec.resourceID`; empty for the whole value. */
  readonly path: string;
  /** The problem and the remedy. */
  readonly message: string;
}

/**
 * What a parser returns: the value, or every problem that it found. Parsers never throw.
 *
 * @example
 * ```ts
 * const parsed = parseAzureIdentity(object);
 * if (!parsed.ok) throw new Error(parsed.problems.map(({ path, message }) => `${path} ${message}`).join('; '));
 * ```
 */
export type Parsed<T> =
  | {
      readonly ok: true;
      /** Of an object: its known fields alone, with keys in the current spelling. */
      readonly value: T;
      /** Accepted values that are probably not intended, such as a 2018 spelling. At most 100; then the last one says how many more there are. */
      readonly warnings: readonly Problem[];
    }
  | {
      readonly ok: false;
      /** At least one, at most one for each field and 100 in all; then the last one says how many more there are. */
      readonly problems: readonly Problem[];
    };

/** Collects the problems and warnings of a parser. */
export interface Report {
  readonly problems: Problem[];
  readonly warnings: Problem[];
}

export function createReport(): Report {
  return { problems: [], warnings: [] };
}

const mostProblems = 100;

/** The value, unless a problem was found. Only the first problem of each field is kept. */
export function conclude<T>(value: T, report: Report): Parsed<T> {
  if (report.problems.length === 0) return { ok: true, value, warnings: atMost(report.warnings, 'warnings') };
  const firsts = new Map<string, Problem>();
  for (const problem of report.problems) if (!firsts.has(problem.path)) firsts.set(problem.path, problem);
  return { ok: false, problems: atMost([...firsts.values()], 'problems') };
}

function atMost(all: readonly Problem[], what: 'problems' | 'warnings'): readonly Problem[] {
  if (all.length <= mostProblems) return all;
  const more = { path: '', message: `and ${all.length - mostProblems + 1} more ${what}` };
  return [...all.slice(0, mostProblems - 1), more];
}

const closing = /^and (\d+) more (?:problems|warnings)$/;

/** How many there are, with those that the last one of a parser's list stands for. */
export function countOf(list: readonly Problem[]): number {
  const last = list.at(-1);
  const more = last?.path === '' ? closing.exec(last.message)?.[1] : undefined;
  return more === undefined ? list.length : list.length - 1 + Number(more);
}

export function refuse(
  path: string,
  message: string,
): { readonly ok: false; readonly problems: readonly Problem[] } {
  return { ok: false, problems: [{ path, message }] };
}
