import type { ImdsError } from '@pod-identity/imds-client';

/**
 * `not-on-host`: the identity is not attached to the machine. `refused`: the service rejects this request from any caller.
 * `misconfigured`: the AzureIdentity does not agree with Azure. `no-credential`: no federated credential trusts the broker. `proxy`: the proxy of
 * this program cannot be used. `no-credential`, `proxy`, `throttled`, `updating` and `unavailable` are temporary.
 */
export type TokenErrorCode =
  | 'not-on-host'
  | 'refused'
  | 'denied'
  | 'misconfigured'
  | 'throttled'
  | 'updating'
  | 'unavailable'
  | 'no-credential'
  | 'proxy';

const temporary: ReadonlySet<TokenErrorCode> = new Set([
  'throttled',
  'updating',
  'unavailable',
  'no-credential',
  'proxy',
] as const);

/** Whether the failure is temporary. */
export function isTemporary(code: TokenErrorCode): boolean {
  return temporary.has(code);
}

export interface TokenErrorDetails {
  /** The HTTP status of the answer; undefined if there was none. */
  readonly status?: number | undefined;
  readonly retryAfterMs?: number | undefined;
  readonly cause?: unknown;
}

/** Why there is no token. The message is for the owner of the pod, and contains neither a token nor a full id. */
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

/** Characters: the text goes into responses, logs and Events. */
const longestReason = 500;

export function tokenErrorOf(error: ImdsError): TokenError {
  const reason = withoutIds(error.reason);
  const reported = reason.length > longestReason ? `${reason.slice(0, longestReason)}…` : reason;
  const message = `The metadata service of this machine gave no token: ${reported}`;
  const { status, retryAfterMs } = error;
  const code = status === 410 ? 'updating' : codes[error.code];
  return new TokenError(code, message, { status, retryAfterMs, cause: error });
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

/** Hides tenant, client and correlation ids of the machine's owner from pods. */
export function withoutIds(text: string): string {
  return text.replace(/[0-9a-f]{8}-(?:[0-9a-f]{4}-){3}[0-9a-f]{12}/gi, redactId);
}

/** As in the log of the original. */
export function redactId(id: string): string {
  return id.length <= 8 ? id : `${id.slice(0, 4)}##### REDACTED #####${id.slice(-4)}`;
}
