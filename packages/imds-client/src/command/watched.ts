import type { FetchLike, FetchResponse } from '../types.ts';
import { nothingReceived, receivedOf, type Received } from './received.ts';

/** A request that the command sent. */
export interface Try {
  /** Until the headers of the response, or the failure. */
  readonly ms: number;
  /** A status, or why there is none. */
  readonly result: string;
  readonly isFailed: boolean;
}

interface Watch {
  /** Milliseconds that only increase. */
  readonly elapsed: () => number;
  /** Calls again and again, until the returned function is called. */
  readonly every: (ms: number, call: () => void) => () => void;
  readonly onTry: (made: Try) => void;
  /** A request has had no response for so long. */
  readonly onWait: (ms: number) => void;
}

/** The transport, and the last response that came through it. */
export interface Watched {
  readonly transport: FetchLike;
  readonly received: () => Received;
}

const silenceMs = 5_000;

/** The transport, which reports what it is used for. */
export function watched(transport: FetchLike, watch: Watch): Watched {
  let received = nothingReceived;
  const { elapsed, every, onTry, onWait } = watch;
  return {
    received: () => received,
    transport: async (url, init) => {
      const startedAt = elapsed();
      const stop = every(silenceMs, () => onWait(elapsed() - startedAt));
      const note = (result: string, isFailed: boolean) =>
        onTry({ ms: elapsed() - startedAt, result, isFailed });
      try {
        const response = await transport(url, init);
        note(resultOf(response), response.status !== 200);
        return keeping(response, (kept) => {
          received = kept;
        });
      } catch (error) {
        note(`no response: ${(error as NodeJS.ErrnoException).code ?? 'given up'}`, true);
        throw error;
      } finally {
        stop();
      }
    },
  };
}

function resultOf({ status, headers }: FetchResponse): string {
  const retryAfter = headers.get('retry-after');
  return `status ${status}${retryAfter === null ? '' : `, Retry-After ${retryAfter.slice(0, 50)}`}`;
}

/** The response, of which is kept, when it was read, what is no secret. */
function keeping(response: FetchResponse, keep: (received: Received) => void): FetchResponse {
  return {
    ...response,
    async readUpTo(limit) {
      const bytes = await response.readUpTo?.(limit);
      const { status, headers } = response;
      const contentType = headers.get('content-type');
      if (bytes !== undefined)
        keep(receivedOf({ status, contentType, body: new TextDecoder().decode(bytes) }));
      return bytes;
    },
  };
}
