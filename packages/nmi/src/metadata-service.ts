import { Agent, request, type IncomingMessage } from 'node:http';
import type { FetchLike } from '@pod-identity/imds-client';

/** The way to the machine's metadata service. It follows no redirect. */
export interface MetadataService {
  /** Answers when the headers are there. */
  get(url: string, how: Asking): Promise<IncomingMessage>;
  /** The same in the shape of `fetch`. */
  readonly fetch: FetchLike;
  /** Cuts what is under way. */
  close(): void;
}

interface Asking {
  readonly headers: Readonly<Record<string, string>>;
  readonly signal: AbortSignal;
}

/**
 * Over node:http, because `fetch` is another HTTP client, which costs 14 MiB of memory on every node. Each question has a
 * connection of its own: the service is on the same machine, a few are asked in a second, and no kept connection breaks.
 */
export function createMetadataService(): MetadataService {
  const agent = new Agent({ keepAlive: false });
  const get: MetadataService['get'] = (url, { headers, signal }) => {
    const { promise, resolve, reject } = Promise.withResolvers<IncomingMessage>();
    request(url, { agent, headers, signal })
      .on('response', resolve)
      .on('error', reject)
      // An answer that switches protocols closes the connection, and is neither a response nor an error.
      .once('close', () => reject(new Error('the connection was closed before an answer came')))
      .end();
    return promise;
  };
  return {
    get,
    fetch: async (url, { headers, signal }) => {
      const answer = await get(url, { headers, signal });
      return {
        status: answer.statusCode ?? 0,
        headers: { get: (name) => headerOf(answer, name) },
        body: answer,
        text: () => Promise.resolve(''),
      };
    },
    close: () => agent.destroy(),
  };
}

function headerOf(answer: IncomingMessage, name: string): string | null {
  const value = answer.headers[name.toLowerCase()];
  return typeof value === 'string' ? value : null;
}
