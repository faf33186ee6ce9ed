// Room: requests managed identity tokens from an endpoint like IMDS, with retries, a cache and one call for equal requests.
// It must not touch anything but that endpoint and the environment (settings.ts alone), write a log, or have a dependency.
export type * from './types.ts';
export { ImdsError, isImdsError, type ImdsErrorCode, type ImdsErrorDetails } from './errors.ts';
export { createImdsClient, createImdsCredential } from './client.ts';
