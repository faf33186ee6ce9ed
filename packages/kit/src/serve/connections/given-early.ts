import type { ServerResponse } from 'node:http';

/**
 * Node writes the responses of a connection in order: a response before its turn keeps its bytes, without an event. `count` is called
 * with these bytes, and with the negative number when the socket gets them. Only for responses that have others before them and do not end
 * at once, because of the cost.
 */
export function whenGivenEarly(response: ServerResponse, count: (bytes: number) => void): void {
  const end = response.end.bind(response) as (...args: unknown[]) => unknown;
  response.end = (...args: unknown[]) => {
    end(...args);
    if (response.socket !== null) return response;
    const bytes = response.writableLength;
    response.once('socket', () => count(-bytes));
    count(bytes);
    return response;
  };
}
