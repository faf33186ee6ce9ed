// Room: requests managed identity tokens from an endpoint like IMDS, with retries, a cache and one call for equal requests.
// It must not touch anything but that endpoint (`fetch` and the environment in client.ts alone), write a log, or have a dependency.
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
