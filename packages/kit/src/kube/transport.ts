import type { Fields } from './fields.ts';

export interface KubeRequest {
  readonly method: 'GET' | 'POST' | 'PUT' | 'PATCH' | 'DELETE';
  /** Absolute path on the server, encoded. */
  readonly path: string;
  readonly query?: Readonly<Record<string, string | undefined>>;
  readonly body?: unknown;
  /** Default `application/json`. */
  readonly contentType?: string;
  readonly signal?: AbortSignal;
  /** Of a request, for the whole response; of a watch or with `onItem`, for each silence. */
  readonly timeoutMs?: number;
  /** Called right before the request is sent: false ends it as `aborted`. */
  readonly mayBeSent?: () => boolean;
  /** The parts to read of an object, of each item of a list or of the object of each event; default: all. */
  readonly fields?: Fields;
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
  readonly server: string;
  close(): Promise<void>;
}
