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
  readonly status?: number;
  /** The API server's reason, e.g. `AlreadyExists`; or `silence`. */
  readonly reason?: string;
  readonly retryAfterMs?: number;
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

/** Its body should be a Status. */
export interface ErrorResponse {
  readonly status: number;
  readonly body: unknown;
  readonly retryAfter?: string;
}

export function errorOf(response: ErrorResponse): KubeError {
  const { reason, message, retryAfterMs: advised } = readStatus(response.body);
  const retryAfterMs = readRetryAfter(response.retryAfter) ?? advised;
  return new KubeError(codeOf(response.status, reason), message ?? `API server answered ${response.status}`, {
    status: response.status,
    ...(reason === undefined ? {} : { reason }),
    ...(retryAfterMs === undefined ? {} : { retryAfterMs }),
  });
}

/** The error of a watch's ERROR event; undefined for other events. */
export function watchEventError(event: unknown): KubeError | undefined {
  if (!isRecord(event) || event['type'] !== 'ERROR') return undefined;
  const body = event['object'];
  const status = isRecord(body) && typeof body['code'] === 'number' ? body['code'] : 500;
  return errorOf({ status, body });
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

function readStatus(body: unknown): { reason?: string; message?: string; retryAfterMs?: number } {
  if (!isRecord(body)) return {};
  const { reason, message, details } = body;
  const seconds = isRecord(details) ? details['retryAfterSeconds'] : undefined;
  return {
    ...(typeof reason === 'string' && reason !== '' ? { reason } : {}),
    ...(typeof message === 'string' && message !== '' ? { message } : {}),
    ...(typeof seconds === 'number' ? { retryAfterMs: seconds * 1000 } : {}),
  };
}

function readRetryAfter(header: string | undefined): number | undefined {
  return header !== undefined && /^\d+$/.test(header) ? Number(header) * 1000 : undefined;
}

function isRecord(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null;
}
