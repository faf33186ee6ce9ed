import type { FetchLike } from '../types.ts';

/** A request that the command sent. */
export interface Try {
  /** Until the headers of the response, or the failure. */
  readonly ms: number;
  /** A status, or why there is none. */
  readonly result: string;
  readonly isFailed: boolean;
}

export interface Watch {
  /** Milliseconds that only increase. */
  readonly elapsed: () => number;
  /** Calls again and again, until the returned function is called. */
  readonly every: (ms: number, call: () => void) => () => void;
  readonly onTry: (made: Try) => void;
  /** A request has had no response for so long. */
  readonly onWait: (ms: number) => void;
}

const silenceMs = 5_000;

/** The transport, which reports what it is used for. */
export function watched(transport: FetchLike, { elapsed, every, onTry, onWait }: Watch): FetchLike {
  return async (url, init) => {
    const startedAt = elapsed();
    const stop = every(silenceMs, () => onWait(elapsed() - startedAt));
    const note = (result: string, isFailed: boolean) =>
      onTry({ ms: elapsed() - startedAt, result, isFailed });
    try {
      const response = await transport(url, init);
      const retryAfter = response.headers.get('retry-after');
      const more = retryAfter === null ? '' : `, Retry-After ${retryAfter.slice(0, 50)}`;
      note(`status ${response.status}${more}`, response.status !== 200);
      return response;
    } catch (error) {
      note(`no response: ${(error as NodeJS.ErrnoException).code ?? 'given up'}`, true);
      throw error;
    } finally {
      stop();
    }
  };
}
