import type { ImdsError } from '@pod-identity/imds-client';

/**
 * `not-on-host`: the machine does not carry the identity. `refused`: the service will not have this request, whoever makes
 * it. `misconfigured`: the AzureIdentity says one thing, Azure another. The rest: later it may work.
 */
export type TokenErrorCode =
  'not-on-host' | 'refused' | 'denied' | 'misconfigured' | 'throttled' | 'updating' | 'unavailable';

export interface TokenErrorDetails {
  /** The HTTP status that was answered; undefined when there was no answer, or nobody was asked. */
  readonly status?: number | undefined;
  readonly retryAfterMs?: number | undefined;
  readonly cause?: unknown;
}

/** Why there is no token. The message is for the person whose pod it is: no token, no full id in it. */
export class TokenError extends Error {
  override readonly name = 'TokenError';
  readonly code: TokenErrorCode;
  readonly status: number | undefined;
  readonly retryAfterMs: number | undefined;

  constructor(code: TokenErrorCode, message: string, details: TokenErrorDetails = {}) {
    super(message, details.cause === undefined ? undefined : { cause: details.cause });
    this.code = code;
    this.status = details.status;
    this.retryAfterMs = details.retryAfterMs;
  }
}

/** What an error of the metadata service means for a pod. */
export function tokenErrorOf(error: ImdsError): TokenError {
  const message = `The metadata service of this machine gave no token: ${withoutIds(error.message)}`;
  const { status, retryAfterInMs: retryAfterMs } = error;
  return new TokenError(codeOf(error), message, { status, retryAfterMs, cause: error });
}

const codes: Readonly<Record<ImdsError['code'], TokenErrorCode>> = {
  'identity-not-found': 'not-on-host',
  'bad-request': 'refused',
  'ambiguous-identity': 'refused',
  denied: 'denied',
  throttled: 'throttled',
  unavailable: 'unavailable',
  timeout: 'unavailable',
  aborted: 'unavailable',
  'invalid-response': 'unavailable',
};

function codeOf({ code, status }: ImdsError): TokenErrorCode {
  return status === 410 ? 'updating' : codes[code];
}

/** Tenant, client and correlation ids of the machine's owner are none of the pod's business. */
export function withoutIds(text: string): string {
  return text.replace(/[0-9a-f]{8}-(?:[0-9a-f]{4}-){3}[0-9a-f]{12}/gi, redactId);
}

/** Enough to recognise an id that one knows, as the original shows them in its log. */
export function redactId(id: string): string {
  return id.length <= 8 ? id : `${id.slice(0, 4)}##### REDACTED #####${id.slice(-4)}`;
}
