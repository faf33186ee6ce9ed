export type KubeErrorCode =
  | 'not-found'
  | 'already-exists'
  | 'conflict'
  | 'gone'
  | 'throttled'
  | 'denied'
  | 'unauthorized'
  | 'invalid'
  | 'unavailable'
  | 'transport'
  | 'aborted';

export interface KubeErrorDetails {
  readonly status?: number;
  /** The API server's own word, e.g. `AlreadyExists`. */
  readonly reason?: string;
  readonly retryAfterMs?: number;
  readonly cause?: unknown;
}

/** The one error of this room. Callers switch on `code`; the message is for people. */
export class KubeError extends Error {
  override readonly name = 'KubeError';
  readonly code: KubeErrorCode;
  readonly status: number | undefined;
  readonly reason: string | undefined;
  readonly retryAfterMs: number | undefined;

  constructor(code: KubeErrorCode, message: string, details: KubeErrorDetails = {}) {
    super(message, 'cause' in details ? { cause: details.cause } : undefined);
    this.code = code;
    this.status = details.status;
    this.reason = details.reason;
    this.retryAfterMs = details.retryAfterMs;
  }
}
