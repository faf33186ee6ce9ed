/** Calls its listeners. Not a promise, which would keep references to callers that left until it is resolved. */
export function createSignal<Args extends readonly unknown[] = []>() {
  const listeners = new Set<(...args: Args) => void>();
  return {
    changes: {
      subscribe: (listener: (...args: Args) => void) => {
        listeners.add(listener);
        return () => void listeners.delete(listener);
      },
    },
    notify: (...args: Args) => {
      for (const listener of [...listeners]) listener(...args);
    },
  };
}
