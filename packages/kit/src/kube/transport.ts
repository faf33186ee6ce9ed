import type { Ambient } from '../serve/ambient.ts';

export interface KubeRequest {
  readonly method: 'GET' | 'POST' | 'PUT' | 'PATCH' | 'DELETE';
  /** Absolute path on the server, encoded. */
  readonly path: string;
  readonly query?: Readonly<Record<string, string | undefined>>;
  readonly body?: unknown;
  /** Default `application/json`. */
  readonly contentType?: string;
  readonly signal?: AbortSignal | undefined;
  /** Of a request, for the whole response; of a watch or with `onItem`, for each silence. */
  readonly timeoutMs?: number | undefined;
  /**
   * Called right before the request is sent: false ends it as `aborted`. While true, an abort does not end a request that has its turn: the
   * server may carry it out later, so whoever gives up the right to write waits for the response.
   */
  readonly mayBeSent?: () => boolean;
  /** It shares no connection with other calls that may have no response yet; the caller limits how many of these run at a time. */
  readonly hasOwnConnection?: boolean;
  /** For lists: called for each item as it arrives; the result then has none. */
  readonly onItem?: (item: unknown) => void;
  /** For watches: called when the server has accepted it, before the first event. */
  readonly onOpen?: () => void;
}

/** The port to the API server for all files of this room. Throws KubeError only. */
export interface KubeTransport {
  /** Returns the parsed JSON. */
  request(request: KubeRequest): Promise<unknown>;
  /** The events; ends when the server closes, throws after too long a silence. */
  watch(request: KubeRequest): AsyncIterable<unknown>;
  /**
   * A response that is no JSON (logs, metrics), as it arrives; `timeoutMs` limits each silence. Without `onItem` and `onOpen`.
   * Connections have it, transports of tests need not.
   */
  text?(request: KubeRequest): AsyncIterable<Buffer>;
  readonly server: string;
  close(): Promise<void>;
}

/** What most readers and writers of the cluster's objects take. */
export interface KubeAmbient extends Ambient {
  readonly transport: KubeTransport;
}

/** The same transport for a caller that limits how many of its requests run at a time: they wait for no connection of others. */
export function withOwnConnections(transport: KubeTransport): KubeTransport {
  return {
    ...transport,
    request: (request) => transport.request({ ...request, hasOwnConnection: true }),
  };
}
