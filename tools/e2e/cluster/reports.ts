// What pods of a test report: lines, by HTTP, with the pod's name in the path. Unlike a log it reaches the test while a node restarts or the API
// server is away.
import { once } from 'node:events';
import { createServer } from 'node:http';
import { text } from 'node:stream/consumers';

export interface Report {
  readonly pod: string;
  readonly line: string;
}

export interface Reports {
  /** What came since the last call; waits for the first report, but at most so long. */
  next(withinMs: number): Promise<readonly Report[]>;
}

export async function openReports(host: string, port: number): Promise<Reports> {
  const arrived: Report[] = [];
  let wake: () => void = () => undefined;
  const server = createServer((request, response) => {
    text(request).then(
      (body) => {
        const pod = (request.url ?? '').slice(1);
        for (const line of body.split('\n')) arrived.push({ pod, line });
        wake();
        response.end();
      },
      () => response.destroy(),
    );
  });
  server.listen(port, host);
  await once(server, 'listening');
  return {
    next: async (withinMs) => {
      if (arrived.length === 0) {
        const { promise, resolve } = Promise.withResolvers<undefined>();
        const timer = setTimeout(() => resolve(undefined), withinMs);
        wake = () => resolve(undefined);
        await promise.finally(() => clearTimeout(timer));
      }
      return arrived.splice(0);
    },
  };
}
