import type { OperationMode } from '../authorize/types.ts';
import { parseTokenRequest, type BadRequestReason } from '../request/token-request.ts';
import type { Route } from '../request/routes.ts';
import { redactId } from '../tokens/errors.ts';
import type { Failure, Refusal } from './refusals.ts';
import type { RetryAfter } from './retry-after.ts';

/** What the original's answers depend on besides the outcome. */
export interface CompatRules {
  /** The original's text; or JSON as the metadata service writes it, with our text: SDKs read nothing else. */
  readonly body: 'text' | 'json';
  /** `--set-retry-after-header`: an identity that is not there yet is 503 with Retry-After instead of 404. */
  readonly setsRetryAfter: boolean;
  readonly isManaged: boolean;
  /** The client id that was asked for; '' when a resource id was given, undefined when none that the original knows was. */
  readonly clientId: string | undefined;
}

export interface CompatSettings {
  readonly mode: OperationMode;
  /** `status`: the original's statuses alone. */
  readonly compatErrors: 'off' | 'text' | 'status';
  readonly setsRetryAfter: boolean;
}

/** The rules for requests to a route; undefined: failures are told in our own way. */
export function createCompat(settings: CompatSettings): (route: Route) => CompatRules | undefined {
  const { mode, compatErrors, setsRetryAfter } = settings;
  if (compatErrors === 'off') return () => undefined;
  return (route) => ({
    body: compatErrors === 'status' ? 'json' : 'text',
    // The original sends the header to pods only.
    setsRetryAfter: setsRetryAfter && route.kind === 'token',
    isManaged: mode === 'managed',
    clientId: 'query' in route ? clientIdIn(route.query) : undefined,
  });
}

function clientIdIn(query: string): string | undefined {
  const parsed = parseTokenRequest(query);
  if (!parsed.ok) return undefined;
  const { selector } = parsed.value;
  if (selector.by === 'client-id') return selector.value;
  return selector.by === 'resource-id' ? '' : undefined;
}

/** An answer as the original gives it: bare text, but for the one JSON that it writes itself. */
export interface OriginalRefusal {
  readonly status: number;
  readonly text: string;
  readonly isJson?: boolean;
  readonly retryAfter?: RetryAfter;
  readonly allow?: string;
}

type Of<Kind extends Failure['kind']> = Extract<Failure, { readonly kind: Kind }>;

/**
 * The original's status and text for an outcome (`--compat-errors`). Outcomes that it does not have keep our status and say
 * our text. What it tells of other pods is left out: the list of pods that share an address, the URL with the client id.
 */
export function refusalAsOriginal(outcome: Failure, ours: Refusal, rules: CompatRules): OriginalRefusal {
  return ofRequest(outcome, ours) ?? ofIdentity(outcome, ours, rules) ?? inText(ours);
}

/** Ours, but as text. */
function inText({ status, description: text, retryAfter, allow }: Refusal): OriginalRefusal {
  return { status, text, ...(retryAfter !== undefined && { retryAfter }), ...(allow && { allow }) };
}

/** What the request itself, or the address it comes from, is answered. */
function ofRequest(outcome: Failure, ours: Refusal): OriginalRefusal | undefined {
  if (outcome.kind === 'bad-request') return badRequest(outcome, ours);
  if (outcome.kind === 'nowhere') return outcome.why === 'malformed' ? invalid : unknownPath;
  if (outcome.kind === 'unknown-caller') return { status: 500, text: noPod(outcome) };
  if (outcome.kind === 'ambiguous-caller')
    return { status: 500, text: `failed to match pod IP ${outcome.address} with more than one pod` };
  if (outcome.kind === 'blocked') return { status: 403, text: 'Request blocked by AAD Pod Identity NMI' };
  return outcome.kind === 'proxy-failed' ? { status: 500, text: ours.description } : undefined;
}

const invalid: OriginalRefusal = { status: 400, text: 'Invalid request' };
const unknownPath: OriginalRefusal = { status: 404, text: '404 page not found' };

const badRequests: Readonly<Partial<Record<BadRequestReason, OriginalRefusal>>> = {
  'no-resource': { status: 400, text: 'parameter resource cannot be empty' },
  'no-pod-headers': { status: 400, text: "missing 'podname' and 'podns' from request header" },
  'not-from-the-node': { status: 500, text: 'request remote address is not from a host' },
  'malformed-target': invalid,
};

function badRequest({ problem }: Of<'bad-request'>, ours: Refusal): OriginalRefusal | undefined {
  if (problem.why !== 'no-metadata-header') return badRequests[problem.why];
  const body = { error: ours.error, error_description: ours.description };
  return { status: 400, text: JSON.stringify(body), isJson: true };
}

function noPod({ address }: Of<'unknown-caller'>): string {
  return address === '' ? 'request remote address is empty' : 'pod list is empty';
}

/** What is answered when the pod's identity, or its token, is not to be had. */
function ofIdentity(outcome: Failure, ours: Refusal, rules: CompatRules): OriginalRefusal | undefined {
  if (outcome.kind === 'denied' || outcome.kind === 'unknown-pod')
    return unidentified(notFound(outcome, rules, ours.description), rules);
  if (outcome.kind === 'not-assigned') return notAssigned(outcome, rules);
  return outcome.kind === 'token-failed' ? tokenFailed(outcome, ours) : undefined;
}

/** Whatever kept the original from finding an identity, it answers in one way. */
function unidentified(text: string, { setsRetryAfter }: CompatRules): OriginalRefusal {
  return setsRetryAfter ? { status: 503, text, retryAfter: 20 } : { status: 404, text };
}

function notFound(outcome: Of<'unknown-pod' | 'denied'>, rules: CompatRules, ours: string): string {
  // The original takes one of several at random.
  if (outcome.kind === 'denied' && outcome.denial.why === 'several-identities') return ours;
  return notCreatedIn(outcome.pod, rules);
}

/** In either mode. */
function notCreatedIn(pod: string, rules: CompatRules): string {
  return rules.isManaged
    ? `no azure identity found for request clientID ${redacted(rules)}`
    : notCreated(pod, rules);
}

function notAssigned({ pod, seen }: Of<'not-assigned'>, rules: CompatRules): OriginalRefusal {
  switch (seen) {
    // It looks for assignments only, whatever is missing for one.
    case 'unbound':
      return unidentified(notCreatedIn(pod, rules), rules);
    case 'nothing':
      return unidentified(notCreated(pod, rules), rules);
    case 'created':
      return unidentified(attempts(pod, 'ASSIGNED', 20), rules);
    case 'assigned':
      return { status: 403, text: refusedBy(400, identityNotFound) };
  }
}

const identityNotFound = '{"error":"invalid_request","error_description":"Identity not found"}';

function notCreated(pod: string, rules: CompatRules): string {
  const asked = rules.clientId === undefined ? '' : `clientID in request: ${redacted(rules)}, `;
  return asked + attempts(pod, 'CREATED', 16);
}

/** The numbers are the original's defaults: its flags for them mean nothing here. */
function attempts(pod: string, state: 'CREATED' | 'ASSIGNED', made: 16 | 20): string {
  return (
    `getting assigned identities for pod ${pod} in ${state} state failed after ${made} attempts, retry duration [5]s, ` +
    'error: <nil>. Check MIC pod logs for identity assignment errors'
  );
}

/**
 * 403 when Azure answered that there is no token, 503 when it did not answer or was not asked. What may pass is never 403, which
 * no SDK repeats: the original asked again by itself before it said so.
 */
function tokenFailed(outcome: Of<'token-failed'>, { status: told, retryAfter }: Refusal): OriginalRefusal {
  const { description, status, isExempt } = outcome;
  const text = isExempt
    ? `failed to get service principal token, error: ${description}`
    : status === undefined
      ? description
      : refusedBy(status, description);
  if (retryAfter !== undefined) return { status: told === 429 ? 429 : 503, text, retryAfter };
  return { status: isExempt || status !== undefined ? 403 : 503, text };
}

function refusedBy(status: number, body: string): string {
  return `adal: Refresh request failed. Status Code = '${status}'. Response body: ${body}`;
}

function redacted({ clientId = '' }: CompatRules): string {
  return redactId(clientId);
}
