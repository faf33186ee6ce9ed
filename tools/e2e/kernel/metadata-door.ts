// The server at the metadata address: proxies every request to the simulator and records its source, so that a test
// finds requests that bypassed NMI.
import { once } from 'node:events';
import { createServer, request as ask, type IncomingMessage, type ServerResponse } from 'node:http';

export interface Arrival {
  readonly source: string;
  /** `connection`, or the request line. */
  readonly what: string;
}

export interface MetadataDoor {
  /** What arrived since the last call. */
  arrivals(): readonly Arrival[];
}

export async function openMetadataDoor(address: string, url: string): Promise<MetadataDoor> {
  let arrivals: Arrival[] = [];
  const server = createServer((request, response) => {
    const { method = '', url: target = '' } = request;
    arrivals.push({ source: request.socket.remoteAddress ?? '', what: `${method} ${target}` });
    passOn(request, response, url);
  });
  server.keepAliveTimeout = 600_000;
  server.on('connection', ({ remoteAddress = '' }) =>
    arrivals.push({ source: remoteAddress, what: 'connection' }),
  );
  server.listen(80, address);
  await once(server, 'listening');
  return {
    arrivals: () => {
      const all = arrivals;
      arrivals = [];
      return all;
    },
  };
}

function passOn(request: IncomingMessage, response: ServerResponse, url: string): void {
  const { method, headers } = request;
  const options = { method, headers, path: request.url };
  const inner = ask(url, options as object, (answer) => {
    response.writeHead(answer.statusCode ?? 502, answer.headers);
    answer.pipe(response);
  });
  inner.once('error', () => response.destroy());
  request.pipe(inner);
}
