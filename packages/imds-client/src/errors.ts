import { isObject, oneLine } from './text.ts';
import type { Identity, RequestedToken } from './types.ts';

/** Why there is no token: the README says what each means. `throttled`, `unavailable` and `timeout` are retried. */
export type ImdsErrorCode =
  | 'bad-request'
  | 'identity-not-found'
  | 'ambiguous-identity'
  | 'denied'
  | 'throttled'
  | 'unavailable'
  | 'timeout'
  | 'aborted'
  | 'invalid-response';

/** What an `ImdsError` can hold beside its code and reason. */
export interface ImdsErrorDetails extends Partial<
  Pick<ImdsError, 'status' | 'retryAfterMs' | 'serviceCode' | 'description' | 'requestId'>
> {
  /** Is appended to the message; undefined if no token was asked for. */
  readonly requested?: RequestedToken | undefined;
  /** The error of the HTTP client, the error of the last attempt before a deadline, or the `reason` of the caller's signal. */
  readonly cause?: unknown;
}

const retryableCodes: readonly string[] = ['throttled', 'unavailable', 'timeout'] satisfies ImdsErrorCode[];
const names: Readonly<Record<string, string>> = { aborted: 'AbortError', timeout: 'TimeoutError' };

// Registered by name: the ES module, the CommonJS module and other versions of this package use the same one.
const brand = Symbol.for('@pod-identity/imds-client/ImdsError');

/**
 * The only error that this package throws, except `TypeError` for bad arguments, and what an injected `transport` itself throws as a
 * programming error. Never holds a token.
 *
 * Recognise it by {@link isImdsError}: `instanceof` does not know an error of another copy of this package.
 */
export class ImdsError extends Error {
  /** As of the platform's own errors: `AbortError` with the code `aborted`, `TimeoutError` with the code `timeout`. */
  declare readonly name: 'ImdsError' | 'AbortError' | 'TimeoutError';
  /** The kind of failure, for programs; `reason` and `message` are for people. */
  declare readonly code: ImdsErrorCode;
  /** What happened; `message` is this and what was asked for. */
  declare readonly reason: string;
  /** The HTTP status, if there was a response. */
  declare readonly status: number | undefined;
  /** Milliseconds from the response on, from the endpoint's Retry-After header. */
  declare readonly retryAfterMs: number | undefined;
  /** The `error` field of the endpoint's response, such as `invalid_request`. */
  declare readonly serviceCode: string | undefined;
  /** The text of the endpoint with its line breaks, such as roles to paste; undefined if it is of one line, as `reason` has it. */
  declare readonly description: string | undefined;
  /** From the endpoint's response (the header `x-ms-request-id`, else the field `correlation_id`): for a support request. */
  declare readonly requestId: string | undefined;
  /** The audience that the token was requested for; undefined if no token was asked for, and after an abort. */
  declare readonly resource: string | undefined;
  /** The identity that was asked for; undefined for the default one. */
  declare readonly identity: Identity | undefined;
  /** Whether the same request may succeed later. The client has already retried it. */
  declare readonly retryable: boolean;

  /** `name` and `retryable` follow from the code; `message` is the reason and what was asked for. */
  constructor(code: ImdsErrorCode, reason: string, details: ImdsErrorDetails = {}) {
    const { requested, cause, status, retryAfterMs, serviceCode, description, requestId } = details;
    const message = requested === undefined ? reason : `${reason} (${describe(requested)})`;
    super(message, cause === undefined ? undefined : { cause });
    const { resource, identity } = requested ?? {};
    const [name, retryable] = [names[code] ?? 'ImdsError', retryableCodes.includes(code)];
    const ofResponse = { status, retryAfterMs, serviceCode, description, requestId };
    Object.assign(this, { name, code, reason, ...ofResponse, resource, identity, retryable });
    Object.defineProperty(this, brand, {});
  }
}

/** Whether a value is an `ImdsError`, of this copy of the package or of another one (ESM and CommonJS, other versions). */
export function isImdsError(value: unknown): value is ImdsError {
  return isObject(value) && brand in value;
}

/**
 * The end of a caller's wait by its signal, whose reason is the cause. After an `AbortSignal.timeout` it is a timeout like any other: the cause is the
 * last attempt, if one failed.
 */
export function aborted(reason?: unknown, last?: unknown): ImdsError {
  const isTimeout = isObject(reason) && reason['name'] === 'TimeoutError';
  return new ImdsError(
    isTimeout ? 'timeout' : 'aborted',
    `the caller gave up waiting for the response${lastAttempt(last)}`,
    { cause: (isTimeout ? last : undefined) ?? reason },
  );
}

/** What the last attempt ended with, if it failed. */
export function lastAttempt(last: unknown): string {
  return isImdsError(last) ? `; the last attempt: ${last.reason}` : '';
}

function describe({ resource, identity }: RequestedToken): string {
  return oneLine(`resource ${resource.slice(0, 200)}, ${describeIdentity(identity).slice(0, 300)}`);
}

function describeIdentity({ clientId, objectId, resourceId }: Partial<Identity> = {}): string {
  if (clientId !== undefined) return `client id ${clientId}`;
  if (objectId !== undefined) return `object id ${objectId}`;
  return resourceId === undefined ? 'default identity' : `resource id ${resourceId}`;
}
