// Room: gets managed identity tokens from an IMDS-compatible endpoint, with retries, a cache and one request for concurrent callers.
// It must not access anything but that endpoint (only client.ts uses `fetch` and the environment), write a log, or have a dependency.
export type {
  AbortSignalLike,
  AccessToken,
  FetchInit,
  FetchLike,
  FetchResponse,
  ImdsClient,
  ImdsClientOptions,
  TokenRequest,
} from './types.ts';
export type { ImdsErrorCode, ImdsErrorDetails } from './errors.ts';
export { ImdsError } from './errors.ts';
export { createImdsClient } from './client.ts';
export type { IdentitySelector } from './request.ts';
export type { CredentialTokenOptions, ImdsCredential, ImdsCredentialOptions } from './credential.ts';
export { createImdsCredential } from './credential.ts';
