import { IncomingMessage, ServerResponse } from 'node:http';
import type { Socket } from 'node:net';
import type { Connections } from './connections/connections.ts';

/**
 * The classes of a guarded server's requests and responses. Node's parser makes a request of each head in what it has read, up to
 * hundreds in one go, before anything of ours runs but these constructors. It stops at one that leaves HTTP (Upgrade), so a request
 * that is one too many looks like that: nothing after it is read, no response is made, and Node closes the connection.
 */
export function createMessages(connections: Connections<unknown>) {
  class Message extends IncomingMessage {
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
  }

  class Response<Request extends IncomingMessage> extends ServerResponse<Request> {
    constructor(...given: ConstructorParameters<typeof ServerResponse<Request>>) {
      super(...given);
      connections.begin(this.req.socket, this);
    }

    override end(...given: unknown[]): this {
      super.end(...(given as Parameters<ServerResponse['end']>));
      if (!this.writableFinished) connections.leaveUnwritten(this.req.socket, this);
      return this;
    }
  }

  return { IncomingMessage: Message, ServerResponse: Response };
}
