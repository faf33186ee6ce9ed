import type { ServerResponse } from 'node:http';

/**
 * Of the requests on a connection one is answered at a time: what is answered before its turn is kept in the response, and no event
 * tells of it. `count` is called with its bytes, and of as many less when they are the socket's. For responses that have others before them
 * and are not ended at once: done to others, it would cost every request.
 */
export function whenGivenEarly(response: ServerResponse, count: (bytes: number) => void): void {
  const end = response.end.bind(response) as (...answer: unknown[]) => unknown;
  response.end = (...answer: unknown[]) => {
    end(...answer);
    if (response.socket !== null) return response;
    const bytes = response.writableLength;
    response.once('socket', () => count(-bytes));
    count(bytes);
    return response;
  };
}
