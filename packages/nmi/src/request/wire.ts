// The two values that cross the socket: what a caller sent, what it is answered. Types only.
// Nothing here may hold a rule; server.ts makes the one and writes the other.

import type { CallerConnection } from '../identify/caller-connection.ts';

export interface InboundRequest {
  readonly method: string;
  /** Path and query as they stood in the request line, neither decoded nor cleaned. */
  readonly target: string;
  /** The host that stood before them in the request line; most callers send none. */
  readonly authority?: string | undefined;
  /** Names in lower case; a header that was sent twice is joined with ', '. */
  readonly headers: Readonly<Record<string, string | readonly string[] | undefined>>;
  /** Who called, as the kernel says: the socket's peer address, read once for each connection. No header can change it. */
  readonly peer: string;
  /** Milliseconds since the epoch. */
  readonly receivedAt: number;
  /** The one that it came over. */
  readonly connection: CallerConnection;
  /** Aborts when the caller hangs up before it was answered. */
  readonly gone: AbortSignal;
}

export interface OutboundResponse {
  readonly status: number;
  readonly headers: Readonly<Record<string, string>>;
  /** A string here is ASCII: its length is its Content-Length. */
  readonly body: string | Uint8Array;
}

export interface App {
  /** Returns the response, or a promise of it if the request has to wait. */
  readonly answer: (request: InboundRequest) => OutboundResponse | Promise<OutboundResponse>;
}
