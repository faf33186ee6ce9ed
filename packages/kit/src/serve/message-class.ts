import { IncomingMessage } from 'node:http';
import type { Socket } from 'node:net';

/**
 * The class of a guarded server's requests. Node's parser creates an instance for each request in a chunk, up to thousands at once, and
 * this constructor is the only own code that runs meanwhile. The parser stops at an Upgrade request, so excess requests are marked as
 * that: nothing after it is parsed, no response is created, and Node closes the connection.
 */
export function createMessageClass(acceptsRequest: (socket: Socket) => boolean) {
  return class Message extends IncomingMessage {
    readonly isTooMany: boolean;
    declare private upgraded: unknown;

    constructor(socket: Socket) {
      super(socket);
      this.isTooMany = !acceptsRequest(socket);
    }

    get upgrade(): unknown {
      return this.isTooMany || this.upgraded;
    }

    set upgrade(upgraded: unknown) {
      this.upgraded = upgraded;
    }
  };
}
