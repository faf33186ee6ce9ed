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
