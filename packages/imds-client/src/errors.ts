/**
 * Why there is no token.
 *
 * | code | meaning | retried |
 * |---|---|---|
 * | `bad-request` | the endpoint refuses the request (400 and other 4xx) | no |
 * | `identity-not-found` | the identity asked for is not assigned here | no |
 * | `ambiguous-identity` | several identities are assigned and none was named | no |
 * | `denied` | 401 or 403 | no |
 * | `throttled` | 429 | yes |
 * | `unavailable` | not reachable, or 404, 410, 5xx | yes |
 * | `timeout` | no response within `requestTimeoutInMs` | yes |
 * | `aborted` | the caller's `abortSignal` | no |
 * | `invalid-response` | the response is not one of a metadata service | no |
 */
export type ImdsErrorCode =
  | 'bad-request'
  | 'identity-not-found'
  | 'ambiguous-identity'
  | 'denied'
  | 'throttled'
  | 'unavailable'
  | 'timeout'
  | 'aborted'
  | 'invalid-response';

export interface ImdsErrorDetails {
  readonly status?: number;
  readonly retryAfterInMs?: number | undefined;
  readonly imdsError?: string | undefined;
  readonly cause?: unknown;
}

const retryableCodes: ReadonlySet<ImdsErrorCode> = new Set<ImdsErrorCode>([
  'throttled',
  'unavailable',
  'timeout',
]);

/**
 * The only error that this package throws, except `TypeError` for bad arguments. Never holds a token.
 *
 * @example
 * ```ts
 * try {
 *   await client.getToken({ resource: 'https://vault.azure.net' });
 * } catch (error) {
 *   if (error instanceof ImdsError && error.code === 'identity-not-found') console.error('bind an identity to this pod');
 *   else throw error;
 * }
 * ```
 */
export class ImdsError extends Error {
  override readonly name = 'ImdsError';
  readonly code: ImdsErrorCode;
  /** The HTTP status, if there was a response. */
  readonly status: number | undefined;
  /** From the endpoint's Retry-After header. */
  readonly retryAfterInMs: number | undefined;
  /** The `error` field of the endpoint's response, such as `invalid_request`. */
  readonly imdsError: string | undefined;
  /** Whether the same request may succeed later. The client has already retried it. */
  readonly retryable: boolean;

  constructor(code: ImdsErrorCode, message: string, details: ImdsErrorDetails = {}) {
    super(message, details.cause === undefined ? undefined : { cause: details.cause });
    this.code = code;
    this.status = details.status;
    this.retryAfterInMs = details.retryAfterInMs;
    this.imdsError = details.imdsError;
    this.retryable = retryableCodes.has(code);
  }
}
