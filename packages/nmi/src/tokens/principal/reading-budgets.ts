import type { Clock } from '@pod-identity/kit/core';

/** Enough for a hundred certificates at once. */
const capacityMs = 20_000;
/** A twentieth of one processor, in the long run. */
const refill = 1 / 20;

/** The time that reading the certificates of one namespace may take. */
export function createReadingBudgets(clock: Pick<Clock, 'elapsed'>) {
  const spent = new Map<string, { readonly ms: number; readonly at: number }>();
  const spentNow = (namespace: string) => {
    const last = spent.get(namespace);
    return last ? Math.max(0, last.ms - (clock.elapsed() - last.at) * refill) : 0;
  };
  return {
    /** 0 if it may read now. */
    waitMs: (namespace: string) => Math.max(0, Math.ceil((spentNow(namespace) - capacityMs) / refill)),
    spend(namespace: string, ms: number): void {
      const sum = spentNow(namespace) + ms;
      for (const name of spent.keys()) if (spentNow(name) === 0) spent.delete(name);
      spent.set(namespace, { ms: sum, at: clock.elapsed() });
    },
  };
}
