/** Settings with which a program cannot start. `runProcess` prints each problem as a line and ends the process with 2. */
export class ConfigurationError extends Error {
  override readonly name = 'ConfigurationError';
  readonly problems: readonly string[];
  constructor(problems: readonly string[], cause?: unknown) {
    super(problems.join('; '), cause === undefined ? undefined : { cause });
    this.problems = problems;
  }
}
