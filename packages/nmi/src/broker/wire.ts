// Room: what NMI and the broker share: what they write to each other, which is one request for one token of one pod and its response.
// It must not know how either of them finds what it writes.
import { membersOf, parseMembers, type Members } from '../json.ts';
import { readResource } from '../request/resource.ts';

/** Of NMI's projected token, and of no other. */
export const brokerAudience = 'aad-pod-identity-broker';
/** Always with POST. */
export const tokenPath = '/v1/token';
/** In bytes. A resource may have 2 KiB; a larger body would be kept for a caller that is not known yet. */
export const longestRequest = 4 * 1024;

export interface BrokerRequest {
  readonly pod: { readonly namespace: string; readonly name: string; readonly uid: string };
  /** In lower case, as the client id. */
  readonly tenant: string;
  readonly clientId: string;
  readonly resource: string;
}

/** HTTP status by code. */
const statuses = {
  invalid_request: 400,
  entra_refused: 400,
  unauthorized: 401,
  access_denied: 403,
  pod_gone: 409,
  too_many_requests: 429,
  review_unanswered: 503,
  exchange_failed: 503,
  credential_missing: 503,
  not_ready: 503,
} as const;

export type BrokerErrorCode = keyof typeof statuses;
export const brokerErrorCodes = Object.keys(statuses) as readonly BrokerErrorCode[];

export interface BrokerToken {
  readonly kind: 'token';
  readonly token: string;
  /** Unix time in seconds. */
  readonly expiresOn: number;
  readonly clientId: string;
}

export interface BrokerRefusal {
  readonly kind: 'refusal';
  readonly code: BrokerErrorCode;
  readonly message: string;
  /** The command that makes the federated credential of the identity. */
  readonly credential?: string;
  /** Of statuses 429 and 503. */
  readonly retryAfterSeconds?: number;
}

export type BrokerResponse = BrokerToken | BrokerRefusal;

export interface HttpResponse {
  readonly status: number;
  readonly retryAfter: string | undefined;
  readonly body: string;
}

export function requestBody({ pod, tenant, clientId, resource }: BrokerRequest): string {
  return JSON.stringify({ pod, tenant, clientId, resource });
}

/** Undefined if it is malformed. */
export function readRequest(body: string): BrokerRequest | undefined {
  const { pod, tenant, clientId, resource } = parseMembers(body);
  const { namespace, name, uid } = membersOf(pod);
  const request = {
    pod: { namespace: text(namespace), name: text(name), uid: text(uid) },
    tenant: text(tenant).toLowerCase(),
    clientId: text(clientId).toLowerCase(),
    resource: text(resource),
  };
  return isWellFormed(request) ? request : undefined;
}

/** Where nobody says how long: NMI and the clients of its pods retry then, and not at once. */
const usualRetrySeconds = 1;

export function httpResponse(response: BrokerResponse): HttpResponse {
  if (response.kind === 'token') {
    const { token: access_token, expiresOn: expires_on, clientId: client_id } = response;
    const body = JSON.stringify({ access_token, expires_on, client_id });
    return { status: 200, retryAfter: undefined, body };
  }
  const { code, message, credential, retryAfterSeconds = usualRetrySeconds } = response;
  const status = statuses[code];
  return {
    status,
    retryAfter: status === 429 || status === 503 ? String(Math.ceil(retryAfterSeconds)) : undefined,
    body: JSON.stringify({ error: code, message, credential }),
  };
}

/** Undefined for what no broker writes. */
export function readResponse({ status, retryAfter, body }: HttpResponse): BrokerResponse | undefined {
  const members = parseMembers(body);
  if (status === 200) return tokenIn(members);
  const { error, message, credential } = members;
  const code = brokerErrorCodes.find((one) => one === error && statuses[one] === status);
  if (code === undefined || typeof message !== 'string') return undefined;
  return {
    kind: 'refusal',
    code,
    message,
    ...(typeof credential === 'string' && { credential }),
    ...(/^\d{1,6}$/.test(retryAfter ?? '') && { retryAfterSeconds: Number(retryAfter) }),
  };
}

function tokenIn(members: Members): BrokerToken | undefined {
  const { access_token: token, expires_on: expiresOn, client_id: clientId } = members;
  if (typeof token !== 'string' || token === '' || typeof clientId !== 'string') return undefined;
  return Number.isSafeInteger(expiresOn)
    ? { kind: 'token', token, expiresOn: expiresOn as number, clientId: clientId.toLowerCase() }
    : undefined;
}

/** The form of namespaces, and of names and uids of pods. */
const dnsName = /^[a-z0-9](?:[a-z0-9.-]{0,251}[a-z0-9])?$/;

const guid = /^[0-9a-f]{8}-(?:[0-9a-f]{4}-){3}[0-9a-f]{12}$/;

function isWellFormed({ pod, tenant, clientId, resource }: BrokerRequest): boolean {
  const isPod = [pod.namespace, pod.name, pod.uid].every((part) => dnsName.test(part));
  const read = readResource(resource);
  return isPod && guid.test(tenant) && guid.test(clientId) && read.ok && read.value === resource;
}

function text(value: unknown): string {
  return typeof value === 'string' ? value : '';
}
