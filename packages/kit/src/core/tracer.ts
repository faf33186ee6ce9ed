/** Facts about a span: ids, numbers and words of closed sets. Never a token, a secret or a text that a caller chose. */
export type SpanFacts = Readonly<Record<string, string | number | boolean>>;

export interface SpanStart {
  readonly name: string;
  /** `server`: somebody else's request. `client`: a request of this process. Default: work within the process. */
  readonly kind?: 'server' | 'client';
  readonly facts?: SpanFacts;
}

/**
 * Spans around work, for traces. Where no traces are exported there is no tracer, and nothing is wrapped. The surrounding span is the one
 * whose work called this, also after a wait.
 */
export interface Tracer {
  /** Begins a trace with the work as its first span, whatever surrounds it. Traces are limited by `of`, who causes the work. */
  trace<T>(of: string, start: SpanStart, work: () => T): T;
  /** Runs the work as a span of the surrounding one, until the end of its promise if it returns one. No surrounding span: only runs it. */
  span<T>(start: SpanStart, work: () => T): T;
  /** Adds facts to the surrounding span. */
  note(facts: SpanFacts): void;
  /** The function in the surrounding span, whoever calls it later. */
  bind<F extends (...args: never[]) => unknown>(run: F): F;
}

/** The value, after its facts are noted. */
export function noted<T>(tracer: Tracer, value: T, factsOf: (value: T) => SpanFacts): T {
  tracer.note(factsOf(value));
  return value;
}
