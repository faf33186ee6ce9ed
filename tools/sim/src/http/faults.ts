/** What happens instead of, or in addition to, handling the request. */
export type FaultAction =
  | {
      readonly status: number;
      readonly body?: string | object;
      readonly headers?: Readonly<Record<string, string>>;
    }
  /** Handled after a delay. */
  | { readonly delayMs: number }
  /** The socket is destroyed before anything was handled. */
  | { readonly drop: true }
  /** Handled, then the socket is destroyed without a response. */
  | { readonly loseAnswer: true }
  /** No response, and the connection stays open. */
  | { readonly hang: true };

export interface FaultRule {
  readonly match: {
    readonly service?: string;
    readonly method?: string;
    /** Tested against the path alone. */
    readonly path?: RegExp;
    /** Tested against the query string, without the question mark. */
    readonly query?: RegExp;
    /** Tested against the header User-Agent, for faults of a single client. */
    readonly userAgent?: RegExp;
  };
  /** How often it applies. Default: without a limit. */
  readonly times?: number;
  readonly then: FaultAction;
}

export interface FaultHandle {
  /** How often it has applied. */
  readonly fired: number;
  remove(): void;
}

export interface FaultSubject {
  readonly service: string;
  readonly method: string;
  readonly path: string;
  readonly query: string;
  readonly userAgent: string;
}

export interface Faults {
  /** The oldest matching rule applies. */
  add(rule: FaultRule): FaultHandle;
  clear(): void;
  /** Called by the listener for each request. */
  take(subject: FaultSubject): FaultAction | undefined;
}

interface Armed {
  readonly rule: FaultRule;
  fired: number;
}

function strikes({ rule, fired }: Armed, subject: FaultSubject): boolean {
  const { service, method, path, query, userAgent } = rule.match;
  if (fired >= (rule.times ?? Infinity)) return false;
  if (service !== undefined && service !== subject.service) return false;
  if (method !== undefined && method !== subject.method) return false;
  return fits(path, subject.path) && fits(query, subject.query) && fits(userAgent, subject.userAgent);
}

const fits = (pattern: RegExp | undefined, text: string): boolean => !pattern || text.search(pattern) >= 0;

export function createFaults(): Faults {
  let armed: Armed[] = [];
  return {
    add: (rule) => {
      const entry: Armed = { rule, fired: 0 };
      armed.push(entry);
      return {
        get fired() {
          return entry.fired;
        },
        remove: () => {
          armed = armed.filter((other) => other !== entry);
        },
      };
    },
    clear: () => {
      armed = [];
    },
    take: (subject) => {
      const entry = armed.find((candidate) => strikes(candidate, subject));
      if (!entry) return undefined;
      entry.fired += 1;
      return entry.rule.then;
    },
  };
}
