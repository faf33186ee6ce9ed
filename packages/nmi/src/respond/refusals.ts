import type { Decision } from '../authorize/types.ts';
import { isMachineData, type MetadataPart } from '../request/instance-metadata.ts';
import { isTemporary, type TokenErrorCode } from '../tokens/errors.ts';
import {
  explainBadRequest,
  explainDenial,
  explainUnanswered,
  explainUnusable,
  explainWaiting,
} from './refusal-texts.ts';
import type { Outcome } from './outcome.ts';
import type { RetryAfter } from './retry-after.ts';

export interface Refusal {
  readonly status: number;
  /** The metadata service's code. */
  readonly error: string;
  readonly description: string;
  /** Undefined: retrying does not help. */
  readonly retryAfter?: RetryAfter;
  readonly allow?: string;
}

export type Success = 'token' | 'host-token' | 'proxied';
export type Failure = Exclude<Outcome, { readonly kind: Success }>;
type Of<Kind extends Failure['kind']> = Extract<Failure, { readonly kind: Kind }>;

export function failureOf(
  decision: Extract<Decision, { readonly kind: 'deny' | 'unusable' }>,
  pod: string,
): Failure {
  return decision.kind === 'deny'
    ? { kind: 'denied', pod, denial: decision.denial }
    : { kind: 'token-failed', pod, why: 'misconfigured', description: explainUnusable(pod, decision) };
}

/** The agent's table of refusals: the status of each. `docs/reference/errors.md` is made from it. */
// eslint-disable-next-line complexity -- one row for each outcome, on purpose in one place
export function refusalOf(outcome: Failure, notAssignedStatus: 503 | 404): Refusal {
  switch (outcome.kind) {
    case 'bad-request':
      return refuse(400, 'invalid_request', explainBadRequest(outcome.problem));
    case 'bad-method':
      return { ...refuse(405, 'method_not_allowed', 'Only GET is allowed here.'), allow: 'GET' };
    case 'nowhere':
      return nowhere(outcome);
    case 'starting':
      return later(503, starting(outcome.unread));
    case 'outdated':
      return later(503, outdated);
    case 'unknown-caller':
      return later(503, unknownCaller(outcome.address));
    case 'ambiguous-caller':
      return later(503, `More than one pod has the address ${outcome.address} at this moment. Try again.`);
    case 'unknown-pod':
      return refuse(404, 'not_found', `There is no running pod ${outcome.pod} on this node.`);
    case 'overloaded':
      return later(429, tooMany(outcome.pod));
    case 'too-fast':
      return later(429, tooFast);
    case 'unconfirmed':
    case 'rights-changed':
      return later(503, changing[outcome.kind](outcome.pod));
    case 'denied':
      return refuse(400, 'invalid_request', explainDenial(outcome.pod, outcome.denial));
    case 'access-unanswered':
      return later(503, explainUnanswered(outcome));
    case 'not-assigned':
      return later(notAssignedStatus, explainWaiting(outcome));
    case 'token-failed':
      return tokenFailed(outcome);
    case 'blocked':
      return refuse(403, 'access_denied', blocked(outcome.family));
    case 'proxy-failed':
      return refuse(
        502,
        'bad_gateway',
        'The metadata service of the machine did not return a usable response.',
      );
    case 'crashed':
      return refuse(500, 'server_error', 'The agent failed on this request; see its log.');
  }
}

function nowhere({ why }: Of<'nowhere'>): Refusal {
  return why === 'malformed'
    ? refuse(400, 'invalid_request', explainBadRequest({ why: 'malformed-target' }))
    : refuse(404, 'not_found', 'There is nothing at this path.');
}

/**
 * docs/reference/errors.md shows what SDKs do with each. After 400 a chain of credentials (DefaultAzureCredential) tries the next one, which is right if
 * the pod has no such identity. 403 means that Azure refuses the identity: SDKs do not retry, and some end the chain.
 */
const tokenErrors: Readonly<Record<TokenErrorCode, { readonly status: number; readonly error: string }>> = {
  'not-on-host': { status: 400, error: 'invalid_request' },
  refused: { status: 400, error: 'invalid_request' },
  misconfigured: { status: 400, error: 'invalid_request' },
  denied: { status: 403, error: 'access_denied' },
  throttled: { status: 429, error: 'too_many_requests' },
  updating: { status: 410, error: 'gone' },
  unavailable: { status: 503, error: 'temporarily_unavailable' },
  'no-credential': { status: 503, error: 'temporarily_unavailable' },
  proxy: { status: 503, error: 'temporarily_unavailable' },
};

function tokenFailed(outcome: Of<'token-failed'>): Refusal {
  const { why, description, retryAfterMs } = outcome;
  const { status, error } = tokenErrors[why];
  if (!isTemporary(why)) return refuse(status, error, description);
  const again = retryAfterMs === undefined ? 'usual' : retryAfterMs / 1000;
  return later(why === 'unavailable' ? serverError(outcome) : status, description, again);
}

/** SDKs treat each 5xx differently, so the original one is passed on. */
function serverError({ status = 503 }: Of<'token-failed'>): number {
  return status >= 500 && status <= 599 ? status : 503;
}

function unknownCaller(address: string): string {
  const fact =
    address === ''
      ? 'The address that this request comes from is not known.'
      : `No pod of this node has the address ${address} that this request comes from.`;
  return (
    `${fact} Try again if the pod has just started. ` +
    'Pods with hostNetwork have the address of the node and cannot be distinguished from it: they get no token here.'
  );
}

function starting(unread: string | undefined): string {
  return unread === undefined
    ? 'The agent has just started and does not know the pods of this node yet. Try again.'
    : `The agent has not read the objects of namespace ${unread} yet, of which this node had no pod until now. Try again; if this lasts, the API server does not answer, and the log of NMI says why.`;
}

const tooMany = (pod: string) =>
  `Too many requests of pod ${pod}, its namespace or its node are already waiting, or too many of their rights are to be reviewed.`;

const tooFast =
  'There are too many requests from this address. Keep a token until it expires; the administrator can allow more (NMI flag --pod-requests-per-second).';

const changing: Readonly<Record<'unconfirmed' | 'rights-changed', (pod: string) => string>> = {
  unconfirmed: (pod) =>
    `The API server does not currently confirm that pod ${pod} has this address. Try again.`,
  'rights-changed': (pod) =>
    `The bindings or identities of pod ${pod} changed while its token was requested. Try again.`,
};

function blocked(part: MetadataPart): string {
  const path = isMachineData(part) ? `instance/compute/${part}` : part;
  return `/metadata/${path} is not available to pods in this cluster; the administrator can allow it (NMI flag --metadata-allow).`;
}

const laterErrors: ReadonlyMap<number, string> = new Map([
  [404, 'not_found'],
  [410, 'gone'],
  [429, 'too_many_requests'],
]);

function later(status: number, description: string, retryAfter: RetryAfter = 'usual'): Refusal {
  const error = laterErrors.get(status) ?? 'temporarily_unavailable';
  return { status, error, description, retryAfter };
}

function refuse(status: number, error: string, description: string): Refusal {
  return { status, error, description };
}

const outdated =
  'This agent has received nothing from the API server about pods, bindings or identities for longer than --pod-check-outage: ' +
  'rights may have been revoked meanwhile. Try again; for the cause see /readyz and the log of NMI.';
