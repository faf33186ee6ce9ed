import type { Clock } from '../core/clock.ts';
import type { AdminResponse, AdminRoute } from './admin-server.ts';

/** Whoever reaches the port may ask any number of times, and each text is made of all metrics. */
const heldMs = 1_000;

/** `/metrics`. The text takes milliseconds to create, so it is created at most once a second. */
export function createMetricsRoute(text: () => Promise<string>, clock: Clock): AdminRoute {
  let last: { readonly madeAt: number; readonly response: Promise<AdminResponse> } | undefined;
  const make = async (): Promise<AdminResponse> => ({
    status: 200,
    body: await text(),
    contentType: 'text/plain; version=0.0.4; charset=utf-8',
  });
  return {
    path: '/metrics',
    respond: () => {
      const now = clock.elapsed();
      if (last === undefined || now - last.madeAt >= heldMs) last = { madeAt: now, response: make() };
      return last.response;
    },
  };
}
