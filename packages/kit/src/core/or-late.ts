import type { Clock } from './clock.ts';

/** The result, or `late` if it takes too long. */
export async function orLate<T>(
  result: Promise<T>,
  { clock, ms, late }: { readonly clock: Pick<Clock, 'after'>; readonly ms: number; readonly late: T },
): Promise<T> {
  const { promise, resolve } = Promise.withResolvers<T>();
  const timer = clock.after(Math.max(0, ms), () => resolve(late));
  try {
    return await Promise.race([result, promise]);
  } finally {
    timer.cancel();
  }
}
