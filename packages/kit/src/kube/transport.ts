export interface KubeRequest {
  readonly method: 'GET' | 'POST' | 'PUT' | 'PATCH' | 'DELETE';
  /** Absolute path on the server, already encoded. */
  readonly path: string;
  readonly query?: Readonly<Record<string, string | undefined>>;
  readonly body?: unknown;
  /** `application/json` unless told. */
  readonly contentType?: string;
  readonly signal?: AbortSignal;
  /** For a request, the time for the whole answer; for a watch, the longest silence. */
  readonly timeoutMs?: number;
}

/** The port through which every file of this room speaks to the API server. It throws KubeError only. */
export interface KubeTransport {
  /** The parsed JSON answer. */
  request(request: KubeRequest): Promise<unknown>;
  /** The parsed JSON lines of the answer; ends when the server closes, throws on silence. */
  watch(request: KubeRequest): AsyncIterable<unknown>;
  readonly server: string;
  close(): Promise<void>;
}
