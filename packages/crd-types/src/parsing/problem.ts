/** One thing that is wrong with a value, and what to do about it. */
export interface Problem {
  /** Path such as `spec.resourceID`; empty for the whole value. */
  readonly path: string;
  /** The problem and the remedy. */
  readonly message: string;
}

/** What a parser returns: the value, or every problem that it found. Parsers never throw. */
export type Parsed<T> =
  | {
      readonly ok: true;
      /** Of an object: its known fields alone, with keys in the current spelling. */
      readonly value: T;
      /** Accepted values that are probably not intended, such as a 2018 spelling. At most 100. */
      readonly warnings: readonly Problem[];
    }
  | {
      readonly ok: false;
      /** At least one, at most one for each field and 100 in all. */
      readonly problems: readonly Problem[];
    };

/** Collects the problems and warnings of a parser. */
export interface Report {
  readonly problems: Problem[];
  readonly warnings: Problem[];
}

const most = 100;

/** The value, unless a problem was found. Only the first problem of each field is kept. */
export function conclude<T>(value: T, { problems, warnings }: Report): Parsed<T> {
  if (problems.length === 0) return { ok: true, value, warnings: warnings.slice(0, most) };
  const firsts = new Map<string, Problem>();
  for (const problem of problems) if (!firsts.has(problem.path)) firsts.set(problem.path, problem);
  return { ok: false, problems: [...firsts.values()].slice(0, most) };
}

export function refuse(
  path: string,
  message: string,
): { readonly ok: false; readonly problems: readonly Problem[] } {
  return { ok: false, problems: [{ path, message }] };
}
