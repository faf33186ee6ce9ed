import type { Fields } from './fields.ts';

export interface KubeRequest {
  readonly method: 'GET' | 'POST' | 'PUT' | 'PATCH' | 'DELETE';
  /** Absolute path on the server, already encoded. */
  readonly path: string;
  readonly query?: Readonly<Record<string, string | undefined>>;
  readonly body?: unknown;
  /** `application/json` unless told. */
  readonly contentType?: string;
  readonly signal?: AbortSignal;
  /** For a request, the time for the whole answer; for a watch or with `onItem`, the longest silence. */
  readonly timeoutMs?: number;
  /** Asked right before it is sent, when it has waited for its turn: false ends it as `aborted`. */
  readonly mayBeSent?: () => boolean;
  /** Of an object, of each item of a list, or of the object of each event: what to read. All of it without. */
  readonly fields?: Fields;
  /** For lists: takes each item as it arrives; the answer then has none. `bytes`: what was read of it, as JSON. */
  readonly onItem?: (item: unknown, bytes: number) => void;
  /** For watches: called when the server has agreed to it, before the first event. */
  readonly onOpen?: () => void;
}

/** The port through which every file of this room speaks to the API server. It throws KubeError only. */
export interface KubeTransport {
  /** The parsed JSON answer. */
  request(request: KubeRequest): Promise<unknown>;
  /**
   * The events of the answer, with `bytes` of what was read of each beside `type` and `object`; ends when the server
   * closes, throws on silence.
   */
  watch(request: KubeRequest): AsyncIterable<unknown>;
  readonly server: string;
  close(): Promise<void>;
}
