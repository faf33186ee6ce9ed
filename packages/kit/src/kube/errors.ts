import { field, textField } from './object.ts';

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

/** The reason of a `transport` error after too long a silence. */
export const silence = 'Silence';

export interface KubeErrorDetails {
  readonly status?: number | undefined;
  /** The API server's reason, e.g. `AlreadyExists`; or `silence`. */
  readonly reason?: string | undefined;
  readonly retryAfterMs?: number | undefined;
  readonly cause?: unknown;
}

/** The only error type of this room. Callers switch on `code`. */
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

interface ErrorResponse {
  readonly status: number;
  /** Should be a Status. */
  readonly body: unknown;
  readonly retryAfter?: string | undefined;
}

export function errorOf({ status, body, retryAfter }: ErrorResponse): KubeError {
  const reason = textField(body, 'reason') || undefined;
  const message = textField(body, 'message') || `API server answered ${status}`;
  const retryAfterMs = readRetryAfter(retryAfter, field(field(body, 'details'), 'retryAfterSeconds'));
  return new KubeError(codeOf(status, reason), message, { status, reason, retryAfterMs });
}

/** The error of a watch's ERROR event; undefined for other events. */
export function watchEventError(event: unknown): KubeError | undefined {
  if (field(event, 'type') !== 'ERROR') return undefined;
  const body = field(event, 'object');
  const code = field(body, 'code');
  return errorOf({ status: typeof code === 'number' ? code : 500, body });
}

/** A thrown value as KubeError: `aborted` if the caller's signal aborted, else `transport`. */
export function asKubeError(error: unknown, signal?: AbortSignal): KubeError {
  if (signal?.aborted) return new KubeError('aborted', 'request aborted', { cause: signal.reason });
  if (error instanceof KubeError) return error;
  return new KubeError('transport', error instanceof Error ? error.message : String(error), { cause: error });
}

const codes: Readonly<Record<number, KubeErrorCode>> = {
  401: 'unauthorized',
  403: 'denied',
  404: 'not-found',
  408: 'unavailable',
  409: 'conflict',
  410: 'gone',
  429: 'throttled',
};

function codeOf(status: number, reason: string | undefined): KubeErrorCode {
  if (reason === 'AlreadyExists') return 'already-exists';
  if (reason === 'Expired') return 'gone';
  return codes[status] ?? (status >= 500 ? 'unavailable' : 'invalid');
}

/** In milliseconds; the header is preferred. */
function readRetryAfter(header: string | undefined, advised: unknown): number | undefined {
  const seconds = /^\d+$/.test(header ?? '') ? Number(header) : advised;
  return typeof seconds === 'number' ? seconds * 1000 : undefined;
}
