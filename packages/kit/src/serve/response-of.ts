import type { ClientRequest, IncomingMessage } from 'node:http';
import type { Socket } from 'node:net';

/**
 * Resolves with the response headers. When the signal aborts, it rejects at once, even while the request waits for a connection, and
 * reading the response fails. The caller ends the request.
 */
export function responseOf(request: ClientRequest, signal: AbortSignal): Promise<IncomingMessage> {
  const { promise, resolve, reject } = Promise.withResolvers<IncomingMessage>();
  let hasResponse = false;
  const end = () => {
    const reason = signal.reason as Error;
    // A waiting request fails by itself only when it gets a connection.
    reject(reason);
    request.destroy(reason);
  };
  request.once('response', (response) => {
    hasResponse = true;
    resolve(response);
  });
  // Stays attached: the connection may also fail after the response has begun, which the reader notices too.
  request.on('error', reject);
  request.once('socket', hearErrors);
  // A switch of protocols closes the connection without a response or an error.
  request.once('close', () => {
    signal.removeEventListener('abort', end);
    if (!hasResponse) reject(new Error('the connection was closed before the answer came'));
  });
  if (signal.aborted) end();
  else signal.addEventListener('abort', end);
  return promise;
}

/**
 * Between the last byte of a response and its last reader the connection has no listener, and an error without a listener ends the
 * process; aborting a request at that time causes one.
 */
function hearErrors(socket: Socket): void {
  if (!heard.has(socket)) socket.on('error', () => undefined);
  heard.add(socket);
}

const heard = new WeakSet<Socket>();
