import type { CallerConnection } from '../identify/caller-connection.ts';

/** The header Server of all responses of NMI; the metadata service has another one. */
export const listenerName = 'pod-identity-nmi';

/** All headers that are read. */
export const readHeaders = [
  'content-length',
  'host',
  'metadata',
  'podname',
  'podns',
  'transfer-encoding',
  'x-forwarded-for',
] as const;

/** Names in lower case; repeated headers are joined with ', '. */
export type RequestHeaders = Readonly<
  Partial<Record<(typeof readHeaders)[number], string | readonly string[] | undefined>>
>;

export interface InboundRequest {
  readonly method: string;
  /** Path and query of the request line, neither decoded nor normalised. */
  readonly target: string;
  /** The host of an absolute URL in the request line; most callers send none. */
  readonly authority?: string | undefined;
  readonly headers: RequestHeaders;
  /** The peer address of the socket, read once for each connection. Headers do not affect it. */
  readonly peer: string;
  /** By `Clock.elapsed`. */
  readonly receivedAt: number;
  readonly connection: CallerConnection;
  /** Aborts when the caller leaves before the response. */
  readonly gone: AbortSignal;
}

export interface OutboundResponse {
  readonly status: number;
  /** Text of the status line, printable ASCII; default: that of the status. */
  readonly reason?: string;
  readonly headers: Readonly<Record<string, string>>;
  /** A string must be ASCII: its length is the Content-Length. */
  readonly body: string | Uint8Array;
}

export interface App {
  /** Returns the response, or a promise of it if the request has to wait. */
  readonly respond: (request: InboundRequest) => OutboundResponse | Promise<OutboundResponse>;
}
