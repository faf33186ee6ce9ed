// Room: requests managed identity tokens from an endpoint like IMDS, with retries, a cache and one call for equal requests.
// It must not touch anything but that endpoint and the environment (settings.ts alone), write a log, or have a dependency.
export type {
  Abortable,
  AbortSignalLike,
  AccessToken,
  AvailabilityOptions,
  Clock,
  CredentialTokenOptions,
  FetchInit,
  FetchLike,
  FetchResponse,
  Identity,
  ImdsClient,
  ImdsClientOptions,
  ImdsCredential,
  OfIdentity,
  Testing,
  TokenRequest,
} from './types.ts';
export {
  ImdsError,
  isImdsError,
  type RequestedToken,
  type ImdsErrorCode,
  type ImdsErrorDetails,
} from './errors.ts';
export { createImdsClient } from './client.ts';
export { createImdsCredential, type ImdsCredentialOptions } from './credential.ts';
