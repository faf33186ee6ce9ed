import type { ClientRequest, IncomingMessage } from 'node:http';
import type { Socket } from 'node:net';

/**
 * Resolves when the headers of the response are there. Once the signal aborts it fails at once, even while the request waits for a
 * connection, and so does the reading of the response. The caller ends the request.
 */
export function responseOf(request: ClientRequest, signal: AbortSignal): Promise<IncomingMessage> {
  const { promise, resolve, reject } = Promise.withResolvers<IncomingMessage>();
  let isAnswered = false;
  const end = () => {
    const reason = signal.reason as Error;
    // By itself, a request that waits for a connection fails only once it gets one.
    reject(reason);
    request.destroy(reason);
  };
  request.once('response', (response) => {
    isAnswered = true;
    resolve(response);
  });
  // For good: it may break after the response has begun, too; whoever reads that is told as well.
  request.on('error', reject);
  request.once('socket', hearErrors);
  // A response that switches protocols closes the connection, and is neither a response nor an error.
  request.once('close', () => {
    signal.removeEventListener('abort', end);
    if (!isAnswered) reject(new Error('the connection was closed before the answer came'));
  });
  if (signal.aborted) end();
  else signal.addEventListener('abort', end);
  return promise;
}

/**
 * Between the last byte of a response and its last reader nobody listens to the connection, and an error that nobody hears ends the
 * process: aborting a request just then is one.
 */
function hearErrors(socket: Socket): void {
  if (!heard.has(socket)) socket.on('error', () => undefined);
  heard.add(socket);
}

const heard = new WeakSet<Socket>();
