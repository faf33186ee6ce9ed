import { DeadlinePassed, withDeadline, type Clock } from '@pod-identity/kit/core';

/** Failures before a request to ARM. */
type AzureErrorCode = 'token-refused' | 'token-unavailable';

/** The message names the cause and the remedy, and contains no secret, token or assertion. */
export class AzureError extends Error {
  override readonly name = 'AzureError';
  readonly code: AzureErrorCode;
  constructor(code: AzureErrorCode, message: string, cause?: unknown) {
    super(message, cause === undefined ? undefined : { cause });
    this.code = code;
  }
}

export interface ArmCredential {
  /** Returns a valid token; throws AzureError. Concurrent callers share a request. */
  getToken(signal: AbortSignal): Promise<string>;
  /** After a refused token: the next call requests a new one. */
  invalidate(): void;
}

export interface TokenWithEnd {
  readonly token: string;
  readonly expiresOnTimestamp: number;
}

/** Requests a token, without a cache. */
export type TokenSource = (how: {
  readonly fresh: boolean;
  readonly signal: AbortSignal;
}) => Promise<TokenWithEnd>;

/** Before its expiry, as in the original. */
const renewBeforeMs = 5 * 60_000;
const tokenTimeoutMs = 30_000;
const awaited = 'response of the metadata service or Entra';
/** After a failed renewal, while the old token is valid. */
const renewAgainMs = 30_000;

/** Keeps one token, renews it before its expiry with one request at a time, and uses the old one while renewal fails. */
export function keepToken(
  source: TokenSource,
  options: { readonly clock: Clock; readonly hint: string },
): ArmCredential {
  const { clock, hint } = options;
  let kept: TokenWithEnd | undefined;
  let renewAt = 0;
  let flight: Promise<string> | undefined;
  let refused = false;

  const fetchToken = async (): Promise<string> => {
    const still = kept;
    try {
      // Not the caller's signal, since others wait for the same token.
      kept = await withDeadline({ clock, ms: tokenTimeoutMs, awaited }, (signal) =>
        source({ fresh: refused, signal }),
      );
      refused = false;
      const lifeMs = kept.expiresOnTimestamp - clock.now();
      renewAt = clock.now() + Math.max(lifeMs - renewBeforeMs, lifeMs / 2);
      return kept.token;
    } catch (error) {
      if (still === undefined || refused || still.expiresOnTimestamp <= clock.now())
        throw tokenFailure(error, hint);
      renewAt = clock.now() + renewAgainMs;
      return still.token;
    } finally {
      flight = undefined;
    }
  };

  return {
    async getToken(signal) {
      signal.throwIfAborted();
      if (kept !== undefined && !refused && clock.now() < renewAt) return kept.token;
      flight ??= fetchToken();
      return outrace(flight, signal);
    },
    invalidate() {
      refused = true;
    },
  };
}

function tokenFailure(error: unknown, hint: string): AzureError {
  if (error instanceof AzureError) return error;
  if (error instanceof DeadlinePassed) {
    return new AzureError('token-unavailable', `no token for ARM: ${error.message}; ${hint}`, error);
  }
  return new AzureError(
    'token-unavailable',
    `no token for ARM: ${error instanceof Error ? error.message : String(error)}`,
    error,
  );
}

/** Settles like the promise, or rejects with the signal's reason, whichever comes first. */
async function outrace<T>(promise: Promise<T>, signal: AbortSignal): Promise<T> {
  const { promise: aborted, reject } = Promise.withResolvers<never>();
  const abort = () => reject(signal.reason as Error);
  signal.addEventListener('abort', abort, { once: true });
  try {
    return await Promise.race([promise, aborted]);
  } finally {
    signal.removeEventListener('abort', abort);
  }
}

/** The object id in MIC's own token; for messages only. */
export function principalIn(token: string): string | undefined {
  try {
    const claims: unknown = JSON.parse(Buffer.from(token.split('.')[1] ?? '', 'base64url').toString('utf8'));
    const oid = typeof claims === 'object' && claims !== null && 'oid' in claims ? claims.oid : undefined;
    return typeof oid === 'string' ? oid : undefined;
  } catch {
    return undefined;
  }
}
