// @pod-identity/imds-client: asks an IMDS-shaped endpoint for managed identity tokens, and does it well.
// It must not touch anything but that endpoint: `fetch` and the environment in client.ts alone, no log, no dependency.
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
