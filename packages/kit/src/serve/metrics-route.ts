import type { AdminRoute } from './admin-server.ts';

export function createMetricsRoute(text: () => Promise<string>): AdminRoute {
  return {
    path: '/metrics',
    respond: async () => ({
      status: 200,
      body: await text(),
      contentType: 'text/plain; version=0.0.4; charset=utf-8',
    }),
  };
}
