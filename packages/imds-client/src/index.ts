// Room: requests managed identity tokens from an endpoint like IMDS, with retries, a cache and one call for equal requests.
// It must not touch anything but that endpoint and the environment (settings.ts alone), write a log, or have a dependency.
export type {
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
  InstanceCompute,
  InstanceMetadata,
  Testing,
  TokenRequest,
} from './types.ts';
export type { Asked, ImdsErrorCode, ImdsErrorDetails } from './errors.ts';
export { ImdsError, isImdsError } from './errors.ts';
export { createImdsClient } from './client.ts';
export type { ImdsCredentialOptions } from './credential.ts';
export { createImdsCredential } from './credential.ts';
