/** What stopped the Azure room before ARM could be asked. */
type AzureErrorCode = 'configuration' | 'token-refused' | 'token-unavailable';

/** Its message names the cause and the remedy, and holds no secret, token or assertion. */
export class AzureError extends Error {
  override readonly name = 'AzureError';
  readonly code: AzureErrorCode;
  constructor(code: AzureErrorCode, message: string, cause?: unknown) {
    super(message, cause === undefined ? undefined : { cause });
    this.code = code;
  }
}
