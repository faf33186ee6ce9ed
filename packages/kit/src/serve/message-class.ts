import { IncomingMessage } from 'node:http';
import type { Socket } from 'node:net';
import type { Connections } from './connections/connections.ts';

/**
 * The class of a guarded server's requests. Node's parser makes one of each head in what it has read, thousands in one go, before
 * anything of ours runs but this constructor. It stops at one that leaves HTTP (Upgrade), so a request that is one too many looks
 * like that: nothing after it is read, no response is made, and Node closes the connection.
 */
export function createMessageClass(connections: Connections<unknown>) {
  return class Message extends IncomingMessage {
    readonly isTooMany: boolean;
    declare private asked: unknown;

    constructor(socket: Socket) {
      super(socket);
      this.isTooMany = !connections.mayAsk(socket);
    }

    get upgrade(): unknown {
      return this.isTooMany || this.asked;
    }

    set upgrade(asked: unknown) {
      this.asked = asked;
    }
  };
}
