export interface Changes {
  /** Called by the registries after each change. */
  announce(): void;
  /** Resolves when the predicate is true: now, or after a change. */
  until(predicate: () => boolean): Promise<void>;
}

interface Waiting {
  readonly predicate: () => boolean;
  readonly resolve: () => void;
}

export function createChanges(): Changes {
  const waiting = new Set<Waiting>();
  return {
    announce() {
      for (const waiter of waiting) {
        if (!waiter.predicate()) continue;
        waiting.delete(waiter);
        waiter.resolve();
      }
    },
    until(predicate) {
      if (predicate()) return Promise.resolve();
      return new Promise((resolve) => waiting.add({ predicate, resolve }));
    },
  };
}
