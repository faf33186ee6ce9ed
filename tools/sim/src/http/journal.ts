// The http room: listeners on loopback with a journal of their requests and faults on demand, for both halves of the simulator.
// It must not know Kubernetes or Azure: a service is a name and a function from request to response.

/** One request with its response. Without the Authorization header; with a body only if the service allows it. */
export interface JournalEntry {
  /** Position in the journal: 1, 2, 3 … */
  readonly sequence: number;
  /** Milliseconds: when the request arrived. */
  readonly at: number;
  readonly durationMs: number;
  readonly service: string;
  readonly method: string;
  readonly path: string;
  /** Without the question mark; '' without a query. */
  readonly query: string;
  readonly userAgent: string;
  readonly remoteAddress: string;
  readonly outcome: 'answered' | 'dropped' | 'answer-lost' | 'hung' | 'gone';
  /** 0 without a response. */
  readonly status: number;
  readonly body?: string;
}

export interface JournalFilter {
  readonly service?: string;
  readonly method?: string;
  readonly path?: RegExp;
  readonly query?: RegExp;
  readonly status?: number;
  /** Only entries after this mark (a `sequence`, or what `mark()` returned). */
  readonly since?: number;
}

export interface Journal {
  entries(filter?: JournalFilter): JournalEntry[];
  count(filter?: JournalFilter): number;
  /** The sequence of the newest entry: pass it as `since` later. */
  mark(): number;
  clear(): void;
  /** The next matching entry; with `since` also one that exists already. */
  next(filter?: JournalFilter): Promise<JournalEntry>;
  record(entry: Omit<JournalEntry, 'sequence'>): void;
}

interface Waiter {
  readonly filter: JournalFilter;
  resolve(entry: JournalEntry): void;
}

const tests: readonly ((entry: JournalEntry, filter: JournalFilter) => boolean)[] = [
  (entry, { since }) => since === undefined || entry.sequence > since,
  (entry, { service }) => service === undefined || entry.service === service,
  (entry, { method }) => method === undefined || entry.method === method,
  (entry, { path }) => path === undefined || entry.path.search(path) >= 0,
  (entry, { query }) => query === undefined || entry.query.search(query) >= 0,
  (entry, { status }) => status === undefined || entry.status === status,
];

const matches = (entry: JournalEntry, filter: JournalFilter): boolean =>
  tests.every((test) => test(entry, filter));

/** @param limit entries kept; at the limit the oldest tenth is dropped, so that benches do not fill the memory. */
export function createJournal(limit = 50_000): Journal {
  let kept: JournalEntry[] = [];
  let sequence = 0;
  let waiters: Waiter[] = [];

  const entries = (filter: JournalFilter = {}) => kept.filter((entry) => matches(entry, filter));

  return {
    entries,
    count: (filter) => entries(filter).length,
    mark: () => sequence,
    clear: () => {
      kept = [];
    },
    next: (filter = {}) => {
      const present = filter.since === undefined ? undefined : kept.find((entry) => matches(entry, filter));
      if (present) return Promise.resolve(present);
      return new Promise((resolve) => waiters.push({ filter, resolve }));
    },
    record: (draft) => {
      sequence += 1;
      const entry: JournalEntry = { sequence, ...draft };
      if (kept.length >= limit) kept = kept.slice(Math.ceil(limit / 10));
      kept.push(entry);
      if (waiters.length === 0) return;
      const pleased = waiters.filter((waiter) => matches(entry, waiter.filter));
      waiters = waiters.filter((waiter) => !pleased.includes(waiter));
      for (const waiter of pleased) waiter.resolve(entry);
    },
  };
}
