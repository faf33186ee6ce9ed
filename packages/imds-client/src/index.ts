// Room: requests managed identity tokens from an endpoint like IMDS, with retries, a cache and one call for equal requests.
// It must not touch anything but that endpoint (through node-transport.ts and fetch-transport.ts) and the environment (settings.ts), write a log, or have a dependency.
export type {
  AbortSignalLike,
  AccessToken,
  Clock,
  FetchInit,
  FetchLike,
  FetchResponse,
  Identity,
  ImdsClient,
  ImdsClientOptions,
  Testing,
  TokenRequest,
} from './types.ts';
export type { Asked, ImdsErrorCode, ImdsErrorDetails } from './errors.ts';
export { ImdsError, isImdsError } from './errors.ts';
export { createImdsClient } from './client.ts';
export type { CredentialTokenOptions, ImdsCredential, ImdsCredentialOptions } from './credential.ts';
export { createImdsCredential } from './credential.ts';
