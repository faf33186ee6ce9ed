import type { TokenErrorCode } from '../tokens/token-errors.ts';
import type { OutboundResponse } from '../wire.ts';
import { explainBadRequest, explainDenial, explainWaiting } from './explain.ts';
import type { Outcome } from './outcome.ts';
import { asciiJson, jsonHeaders, tokenBody, tokenFields } from './token-body.ts';

export interface RespondRules {
  readonly nowMs: number;
  /** 503 with Retry-After, or 404 for clients that repeat only that. */
  readonly notAssignedStatus: 503 | 404;
}

type Of<Kind extends Outcome['kind']> = Extract<Outcome, { readonly kind: Kind }>;

/** The agent's whole HTTP table: nothing else chooses a status or writes a body. */
// eslint-disable-next-line complexity -- one row for each outcome, on purpose in one place
export function respond(outcome: Outcome, rules: RespondRules): OutboundResponse {
  switch (outcome.kind) {
    case 'token':
      return token(outcome, rules);
    case 'host-token':
      return hostToken(outcome, rules);
    case 'bad-request':
      return refuse(400, 'invalid_request', explainBadRequest(outcome.problem));
    case 'bad-method':
      return withHeader(refuse(405, 'method_not_allowed', 'Only GET is allowed here.'), 'Allow', 'GET');
    case 'nowhere':
      return outcome.why === 'malformed'
        ? refuse(400, 'invalid_request', explainBadRequest({ why: 'malformed-target' }))
        : refuse(404, 'not_found', 'There is nothing at this path.');
    case 'starting':
      return later(
        503,
        'The agent has just started and does not know the pods of this node yet. Try again.',
        1,
      );
    case 'unknown-caller':
      return later(503, unknownCaller(outcome.address), 1);
    case 'ambiguous-caller':
      return later(503, `More than one pod has the address ${outcome.address} at this moment. Try again.`, 1);
    case 'unknown-pod':
      return refuse(404, 'not_found', `There is no running pod ${outcome.pod} on this node.`);
    case 'overloaded':
      return later(429, `Too many requests of pod ${outcome.pod} wait for a token already.`, 1);
    case 'unconfirmed':
      return later(
        503,
        `The API server does not confirm at the moment that pod ${outcome.pod} has this address. Try again.`,
        1,
      );
    case 'denied':
      return refuse(400, 'invalid_request', explainDenial(outcome.pod, outcome.denial));
    case 'not-assigned':
      return later(rules.notAssignedStatus, explainWaiting(outcome.pod, outcome.identity, outcome.seen), 2);
    case 'token-failed':
      return tokenFailed(outcome);
    case 'blocked':
      return refuse(403, 'access_denied', blocked(outcome.family));
    case 'proxied':
      return proxied(outcome);
    case 'proxy-failed':
      return refuse(502, 'bad_gateway', 'The metadata service of the machine did not give a usable answer.');
    case 'crashed':
      return refuse(500, 'server_error', 'The agent failed on this request; its log says how.');
  }
}

function token({ issued, resource }: Of<'token'>, { nowMs }: RespondRules): OutboundResponse {
  const { bytes, headers } = tokenBody(issued, resource, nowMs);
  return { status: 200, headers, body: bytes };
}

/** The shape that the Secrets Store CSI driver reads. */
function hostToken({ issued, resource }: Of<'host-token'>, { nowMs }: RespondRules): OutboundResponse {
  const fields = tokenFields(issued, resource, Math.floor(nowMs / 1000));
  return json(200, { token: fields, clientid: issued.clientId ?? '' });
}

const tokenStatus: Readonly<Record<TokenErrorCode, { readonly status: number; readonly error: string }>> = {
  'not-on-host': { status: 400, error: 'invalid_request' },
  refused: { status: 400, error: 'invalid_request' },
  misconfigured: { status: 400, error: 'invalid_request' },
  denied: { status: 403, error: 'access_denied' },
  throttled: { status: 429, error: 'too_many_requests' },
  updating: { status: 410, error: 'gone' },
  unavailable: { status: 503, error: 'temporarily_unavailable' },
};

function tokenFailed({ why, description, retryAfterMs }: Of<'token-failed'>): OutboundResponse {
  const { status, error } = tokenStatus[why];
  const isPassing = why === 'throttled' || why === 'updating' || why === 'unavailable';
  return isPassing
    ? later(status, description, Math.ceil((retryAfterMs ?? 1_000) / 1000))
    : refuse(status, error, description);
}

function unknownCaller(address: string): string {
  return (
    `No pod of this node has the address ${address} that this request comes from. Try again if the pod has just started. ` +
    'Pods with hostNetwork share the address of the node and cannot be told from it: they get no token here.'
  );
}

function blocked(family: string): string {
  return `/metadata/${family} is not open to pods on this cluster; the administrator can open it (NMI flag --metadata-allow).`;
}

function proxied({ status, contentType, body }: Of<'proxied'>): OutboundResponse {
  return { status, headers: { 'Content-Type': contentType, 'Content-Length': String(body.length) }, body };
}

const laterErrors: ReadonlyMap<number, string> = new Map([
  [404, 'not_found'],
  [410, 'gone'],
  [429, 'too_many_requests'],
]);

function later(status: number, description: string, seconds: number): OutboundResponse {
  const error = laterErrors.get(status) ?? 'temporarily_unavailable';
  return withHeader(refuse(status, error, description), 'Retry-After', String(Math.max(1, seconds)));
}

function refuse(status: number, error: string, description: string): OutboundResponse {
  return json(status, { error, error_description: description });
}

function withHeader(response: OutboundResponse, name: string, value: string): OutboundResponse {
  return { ...response, headers: { ...response.headers, [name]: value } };
}

function json(status: number, value: unknown): OutboundResponse {
  const body = asciiJson(value);
  return { status, headers: jsonHeaders(body), body };
}
