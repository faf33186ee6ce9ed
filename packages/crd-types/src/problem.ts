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
      /** Accepted values that are probably not intended, such as a 2018 spelling. */
      readonly warnings: readonly Problem[];
    }
  | {
      readonly ok: false;
      /** At least one; at most one for each field. */
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

/** The value, unless a problem was found. Only the first problem of each field is kept. */
export function conclude<T>(value: T, report: Report): Parsed<T> {
  const problems = report.problems.filter(
    ({ path }, index) => index === report.problems.findIndex((other) => other.path === path),
  );
  return problems.length === 0 ? { ok: true, value, warnings: report.warnings } : { ok: false, problems };
}

export function refuse(
  path: string,
  message: string,
): { readonly ok: false; readonly problems: readonly Problem[] } {
  return { ok: false, problems: [{ path, message }] };
}
