import type { OperationMode } from '../authorize/types.ts';
import { parseTokenRequest, type BadRequestReason } from '../request/token-request.ts';
import type { Route } from '../request/routes.ts';
import { redactId } from '../tokens/errors.ts';
import type { Failure, Refusal } from './refusals.ts';
import type { RetryAfter } from './retry-after.ts';

export interface CompatRules {
  /** The original's text; or JSON in the format of the metadata service, with our text. */
  readonly body: 'text' | 'json';
  /** `--set-retry-after-header`: an identity that is not there yet is 503 with Retry-After instead of 404. */
  readonly setsRetryAfter: boolean;
  readonly isManaged: boolean;
  /** The requested client id; '' for a resource id; undefined for no selector that the original knows. */
  readonly clientId: string | undefined;
}

export interface CompatSettings {
  readonly mode: OperationMode;
  /** `status`: only the original's statuses. */
  readonly compatErrors: 'off' | 'text' | 'status';
  readonly setsRetryAfter: boolean;
}

/** The rules for requests to a route; undefined without --compat-errors. */
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

/** A response of the original: plain text, with one exception in JSON. */
export interface OriginalRefusal {
  readonly status: number;
  readonly text: string;
  readonly isJson?: boolean;
  readonly retryAfter?: RetryAfter;
  readonly allow?: string;
}

type Of<Kind extends Failure['kind']> = Extract<Failure, { readonly kind: Kind }>;

/** The original's status and text for an outcome, otherwise ours. Data about other pods in its texts is left out. */
export function refusalAsOriginal(outcome: Failure, ours: Refusal, rules: CompatRules): OriginalRefusal {
  return ofRequest(outcome, ours) ?? ofIdentity(outcome, ours, rules) ?? inText(ours);
}

function inText({ status, description: text, retryAfter, allow }: Refusal): OriginalRefusal {
  return { status, text, ...(retryAfter !== undefined && { retryAfter }), ...(allow && { allow }) };
}

function ofRequest(outcome: Failure, ours: Refusal): OriginalRefusal | undefined {
  if (outcome.kind === 'bad-request') return badRequest(outcome, ours);
  if (outcome.kind === 'nowhere') return outcome.why === 'malformed' ? invalid : unknownPath;
  if (outcome.kind === 'unknown-caller')
    return {
      status: 500,
      text: outcome.address === '' ? 'request remote address is empty' : 'pod list is empty',
    };
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

function ofIdentity(outcome: Failure, ours: Refusal, rules: CompatRules): OriginalRefusal | undefined {
  if (outcome.kind === 'denied' || outcome.kind === 'unknown-pod')
    return unidentified(notFound(outcome, ours, rules), rules);
  if (outcome.kind === 'not-assigned') return notAssigned(outcome, rules);
  return outcome.kind === 'token-failed' ? tokenFailed(outcome, ours) : undefined;
}

/** The original has one response for all reasons why it finds no identity. */
function unidentified(text: string, { setsRetryAfter }: CompatRules): OriginalRefusal {
  return setsRetryAfter ? { status: 503, text, retryAfter: 20 } : { status: 404, text };
}

function notFound(outcome: Of<'unknown-pod' | 'denied'>, ours: Refusal, rules: CompatRules): string {
  // The original takes a random one.
  const isRandom = outcome.kind === 'denied' && outcome.denial.why === 'several-identities';
  return isRandom ? ours.description : notCreated(outcome.pod, rules);
}

/** The original's NMI looks for a record first, where there are any, and asks Azure without waiting where there are none. */
function notAssigned({ pod, seen }: Of<'not-assigned'>, rules: CompatRules): OriginalRefusal {
  return rules.isManaged && seen === 'unattached'
    ? { status: 403, text: refusedBy(400, identityNotFound) }
    : unidentified(notCreated(pod, rules), rules);
}

const identityNotFound = '{"error":"invalid_request","error_description":"Identity not found"}';

function notCreated(pod: string, { isManaged, clientId }: CompatRules): string {
  const redacted = redactId(clientId ?? '');
  if (isManaged) return `no azure identity found for request clientID ${redacted}`;
  const requested = clientId === undefined ? '' : `clientID in request: ${redacted}, `;
  // With the defaults of the original; its flags for these numbers have no effect here.
  return (
    `${requested}getting assigned identities for pod ${pod} in CREATED state failed after 16 attempts, retry duration [5]s, ` +
    'error: <nil>. Check MIC pod logs for identity assignment errors'
  );
}

/** 403 if Azure refused, 503 if there was no response. Temporary failures are never 403, since SDKs do not retry that. */
function tokenFailed(
  outcome: Of<'token-failed'>,
  { status: original, retryAfter }: Refusal,
): OriginalRefusal {
  const { description, status, isExempt } = outcome;
  const text = isExempt
    ? `failed to get service principal token, error: ${description}`
    : status === undefined
      ? description
      : refusedBy(status, description);
  if (retryAfter !== undefined) return { status: original === 429 ? 429 : 503, text, retryAfter };
  return { status: isExempt || status !== undefined ? 403 : 503, text };
}

function refusedBy(status: number, body: string): string {
  return `adal: Refresh request failed. Status Code = '${status}'. Response body: ${body}`;
}
