import type { OutboundResponse } from '../wire.ts';
import { refusalAsOriginal, type CompatRules, type OriginalRefusal } from './compat.ts';
import type { Outcome } from './outcome.ts';
import { refusalOf, type Refusal } from './refusals.ts';
import { asciiJson, jsonHeaders, tokenBody, tokenFields } from './token-body.ts';

export interface RespondRules {
  readonly nowMs: number;
  /** 503 with Retry-After, or 404 for clients that repeat only that. */
  readonly notAssignedStatus: 503 | 404;
  /** Failures as the original tells them; `notAssignedStatus` means nothing then. */
  readonly compat?: CompatRules | undefined;
}

type Of<Kind extends Outcome['kind']> = Extract<Outcome, { readonly kind: Kind }>;

/** An outcome as it is told over HTTP: nothing else writes a body. */
export function respond(outcome: Outcome, rules: RespondRules): OutboundResponse {
  if (outcome.kind === 'token') return token(outcome, rules);
  if (outcome.kind === 'host-token') return hostToken(outcome, rules);
  if (outcome.kind === 'proxied') return proxied(outcome);
  const refusal = refusalOf(outcome, rules.notAssignedStatus);
  return rules.compat === undefined
    ? asJson(refusal)
    : asText(refusalAsOriginal(outcome, refusal, rules.compat));
}

function token({ issued, resource }: Of<'token'>, { nowMs, compat }: RespondRules): OutboundResponse {
  const shape = compat === undefined ? 'object' : 'list';
  const { json: body, headers } = tokenBody({ issued, resource, shape }, nowMs);
  return { status: 200, headers, body };
}

/** The shape that the Secrets Store CSI driver reads: one token. */
function hostToken({ issued, resource }: Of<'host-token'>, { nowMs }: RespondRules): OutboundResponse {
  const fields = tokenFields({ ...issued, resource }, Math.floor(nowMs / 1000));
  const body = asciiJson({ token: fields, clientid: issued.clientId ?? '' });
  return { status: 200, headers: jsonHeaders(body), body };
}

function proxied({ status, contentType, retryAfter, body }: Of<'proxied'>): OutboundResponse {
  return {
    status,
    headers: {
      'Content-Type': contentType,
      'Content-Length': String(body.length),
      ...(retryAfter === undefined ? {} : { 'Retry-After': retryAfter }),
    },
    body,
  };
}

/** As the metadata service writes its errors: SDKs take anything else for a broken network. */
function asJson(refusal: Refusal): OutboundResponse {
  const { status, error, description } = refusal;
  const body = asciiJson({ error, error_description: description });
  return { status, headers: { ...jsonHeaders(body), ...extraHeaders(refusal) }, body };
}

function asText(refusal: OriginalRefusal): OutboundResponse {
  const body = Buffer.from(`${refusal.text}\n`);
  const type = refusal.isJson
    ? { 'Content-Type': 'application/json; charset=utf-8' }
    : { 'Content-Type': 'text/plain; charset=utf-8', 'X-Content-Type-Options': 'nosniff' };
  const headers = { ...type, 'Content-Length': String(body.length), ...extraHeaders(refusal) };
  return { status: refusal.status, headers, body };
}

function extraHeaders({
  retryAfter,
  allow,
}: Pick<Refusal, 'retryAfter' | 'allow'>): Readonly<Record<string, string>> {
  return {
    ...(retryAfter === undefined ? {} : { 'Retry-After': String(retryAfter) }),
    ...(allow === undefined ? {} : { Allow: allow }),
  };
}
