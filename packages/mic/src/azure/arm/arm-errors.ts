import { canonicalResourceId, type ResourceId } from '@pod-identity/crd-types';
import type { HostFailure } from '../../snapshot/facts/outcomes.ts';
import type { RejectionCode } from '../../snapshot/facts/facts.ts';
import { listAt, memberOf, stringAt } from '../../snapshot/raw-object.ts';

/** Rejected identities, or a failure of the whole host. */
export type ArmFailure = ArmRejection | HostFailure;

interface ArmRejection {
  readonly kind: 'rejected';
  readonly code: RejectionCode;
  readonly message: string;
  readonly named: readonly ResourceId[];
}

export type ArmResult<T> =
  | { readonly ok: true; readonly value: T }
  /** With the HTTP status if ARM has responded. */
  | { readonly ok: false; readonly failure: ArmFailure; readonly status?: number };

/** Whether the status proves that a PATCH was not executed. 408, 5xx and no response leave that open. */
export function isDefinite(status: number | undefined): boolean {
  return status !== undefined && status >= 400 && status < 500 && status !== 408;
}

/** An HTTP response, or the end of a long-running operation (status 0). */
interface ArmComplaint {
  readonly status: number;
  readonly body: unknown;
  readonly retryAfter?: string | undefined;
  /** `x-ms-ratelimit-remaining-subscription-…` stood at 0. */
  readonly subscriptionExhausted?: boolean;
}

/** Pauses if ARM gives no Retry-After. */
const throttledDefaultMs = 60_000;
const busyDefaultMs = 5_000;
export const unavailableDefaultMs = 5_000;

// As in Azure: names of groups have letters of any language; names of identities have no dot, so a full stop after an id is not part of
// it.
const identityId =
  /\/subscriptions\/[\w-]+\/resourcegroups\/[-\p{L}\p{N}_.()]+\/providers\/microsoft\.managedidentity\/userassignedidentities\/[-\w]+/giu;

/** The user-assigned identities in a message of ARM, without duplicates, in order. */
export function identitiesNamedIn(message: string | undefined): readonly ResourceId[] {
  const found = message?.match(identityId) ?? [];
  return [...new Set(found.map(canonicalResourceId))];
}

/** A Retry-After header (seconds or an HTTP date) in milliseconds from `now`; undefined if missing or invalid. */
export function parseRetryAfter(header: string | undefined, now: number): number | undefined {
  const text = header?.trim() ?? '';
  if (/^\d+(\.\d+)?$/.test(text)) return Math.ceil(Number(text) * 1000);
  // Requires a time of day, since Date.parse accepts almost any text.
  if (!/\d:\d\d/.test(text)) return undefined;
  // eslint-disable-next-line no-restricted-globals -- Date.parse of a text that names its zone reads no clock.
  const at = Date.parse(text);
  return Number.isNaN(at) ? undefined : Math.max(0, at - now);
}

interface ErrorWords {
  readonly code: string;
  readonly message: string;
}

/** ARM's error body, `{error: {code, message, details}}` or without the envelope. Messages of nested details are appended. */
function wordsOf(body: unknown): ErrorWords {
  const error = memberOf(body, 'error') ?? body;
  const details = listAt(error, 'details').map(wordsOf);
  const messages = [stringAt(error, 'message'), ...details.map((detail) => detail.message)];
  const message = messages.filter((part) => part !== '').join(' ');
  return { code: stringAt(error, 'code') || (details[0]?.code ?? ''), message };
}

/** Classifies an error. `now` turns a Retry-After date into a delay. */
export function classify(complaint: ArmComplaint, now: number): ArmFailure {
  const words = wordsOf(complaint.body);
  const said = { code: words.code, message: sentence(words, complaint.status) };
  const retryAfterMs = parseRetryAfter(complaint.retryAfter, now) ?? retryAfterInWords(words.message);
  if (isThrottled(complaint.status, words)) return throttled(complaint, said, retryAfterMs);
  const read =
    byCode.get(said.code) ??
    byStatus.get(complaint.status) ??
    (complaint.status >= 500 ? readAsUnavailable : readAsFailed);
  return read(said, retryAfterMs);
}

type Reading = (said: ErrorWords, retryAfterMs: number | undefined) => ArmFailure;

const busyFor =
  (defaultMs: number): Reading =>
  ({ message }, retryAfterMs = defaultMs) => ({ kind: 'busy', message, retryAfterMs });
const readAsBusy = busyFor(busyDefaultMs);
const readAsBusyNoMore = busyFor(0);
const readAsUnavailable: Reading = ({ code, message }, retryAfterMs = unavailableDefaultMs) => ({
  kind: 'unavailable',
  message,
  retryAfterMs,
  ...(code !== '' && { code }),
});
const readAsDenied = ({ message }: ErrorWords): ArmFailure => ({ kind: 'denied', message });
const readAsFailed: Reading = ({ code, message }) => ({
  kind: 'failed',
  message,
  ...(code !== '' && { code }),
});

/** Codes whose meaning does not depend on the status (the end of a long-running operation has none). */
const byCode: ReadonlyMap<string, Reading> = new Map<string, Reading>([
  ['LinkedAuthorizationFailed', (said) => linkedRefusal(said)],
  ['FailedIdentityOperation', ({ message }) => rejected('FailedIdentityOperation', message)],
  ['AuthorizationFailed', (said) => deniedOrRejected(said)],
  ['ScopeLocked', ({ message }) => ({ kind: 'denied', message, isLocked: true })],
  ['ReadOnlyDisabledSubscription', readAsDenied],
  ['RequestDisallowedByPolicy', readAsDenied],
  // A newer change replaced the operation: read and plan again at once.
  ['OperationPreempted', readAsBusyNoMore],
  ['Conflict', readAsBusy],
  ['AnotherOperationInProgress', readAsBusy],
  ['RetryableError', readAsBusy],
  ['InternalServerError', readAsUnavailable],
  ['InternalExecutionError', readAsUnavailable],
  ['ServerTimeout', readAsUnavailable],
]);

const byStatus: ReadonlyMap<number, Reading> = new Map<number, Reading>([
  [
    0,
    (said) =>
      namesIdentity(said) ? rejected('FailedIdentityOperation', said.message) : readAsFailed(said, undefined),
  ],
  [
    400,
    ({ message }) =>
      rejected(/identity|userAssignedIdentities/i.test(message) ? 'InvalidIdentity' : 'Unknown', message),
  ],
  [401, ({ message }) => ({ kind: 'denied', message, lacksToken: true })],
  [403, readAsDenied],
  [
    404,
    (said) =>
      namesIdentity(said)
        ? rejected('IdentityNotFound', said.message)
        : { kind: 'gone', message: said.message },
  ],
  [408, readAsUnavailable],
  [
    409,
    (said, retryAfterMs) =>
      isDeleting(said) ? { kind: 'gone', message: said.message } : readAsBusy(said, retryAfterMs),
  ],
  // The host changed since it was read.
  [412, readAsBusyNoMore],
]);

/** By its id, or as in ARM's "resource not found": type and name, and the group separately. */
function namesIdentity(said: ErrorWords): boolean {
  return /microsoft\.managedidentity\/userassignedidentities\//i.test(said.message);
}

function isDeleting(said: ErrorWords): boolean {
  return /marked for deletion|being deleted/i.test(said.message);
}

function rejected(code: RejectionCode, message: string): ArmFailure {
  return { kind: 'rejected', code, message, named: identitiesNamedIn(message) };
}

/** The missing right may concern the host as a whole or a single identity. */
function deniedOrRejected(said: ErrorWords): ArmFailure {
  const onIdentity = actionIn(said.message)?.toLowerCase().startsWith('microsoft.managedidentity/') ?? false;
  return onIdentity ? rejected('LinkedAuthorizationFailed', said.message) : readAsDenied(said);
}

/** The linked resource may be an identity, or another one of the host, such as its subnet. */
function linkedRefusal(said: ErrorWords): ArmFailure {
  const action = actionIn(said.message, 'last')?.toLowerCase() ?? '';
  const isOnIdentity = action.startsWith('microsoft.managedidentity/') || namesIdentity(said);
  return isOnIdentity || action === ''
    ? rejected('LinkedAuthorizationFailed', said.message)
    : readAsFailed(said, undefined);
}

/** The action in a refusal of ARM: `Microsoft.Compute/virtualMachines/write`. */
function actionIn(message: string, which: 'first' | 'last' = 'first'): string | undefined {
  const actions = Array.from(
    message.matchAll(/perform action(?:\(s\))? '([^']+)'/gi),
    ([, action]) => action,
  );
  return actions.at(which === 'first' ? 0 : -1);
}

/**
 * Compute returns throttling by the identity service as FailedIdentityOperation: the named identity is not the cause.
 */
function isThrottled(status: number, words: ErrorWords): boolean {
  if (status === 429) return true;
  return (
    words.code === 'FailedIdentityOperation' && /TooManyRequests|retry after \d+ seconds/i.test(words.message)
  );
}

function throttled(complaint: ArmComplaint, said: ErrorWords, retryAfterMs: number | undefined): ArmFailure {
  const wholeSubscription =
    complaint.subscriptionExhausted === true ||
    said.code.includes('Subscription') ||
    /for (this|the) subscription/i.test(said.message);
  return {
    kind: 'throttled',
    message: said.message,
    retryAfterMs: retryAfterMs ?? throttledDefaultMs,
    scope: wholeSubscription ? 'subscription' : 'host',
  };
}

function retryAfterInWords(message: string): number | undefined {
  const seconds = /retry after (\d+) seconds?/i.exec(message)?.[1];
  return seconds === undefined ? undefined : Number(seconds) * 1000;
}

function sentence(words: ErrorWords, status: number): string {
  const subject = words.code || (status === 0 ? 'the operation failed' : `HTTP ${status}`);
  return words.message === '' ? subject : `${subject}: ${words.message}`;
}
