// Room: the status, headers and body of every response; words from tokens, authorize and policy included.
// It must not do I/O, or look at anything but the outcome.
import { asciiJson } from '@pod-identity/kit/core';
import type { OutboundResponse } from '../request/wire.ts';
import type { Outcome } from './outcome.ts';
import { refusalOf, type Refusal } from './refusals.ts';
import { secondsOf } from './retry-after.ts';
import { jsonHeaders, tokenBody, tokenFields } from './token-body.ts';

export interface RespondRules {
  readonly nowMs: number;
  /** 503, or 404 for clients that retry only that; both with Retry-After. */
  readonly notAssignedStatus: 503 | 404;
  /** At least 0, less than 1; used if Azure sent no Retry-After. */
  readonly random: () => number;
}

type Of<Kind extends Outcome['kind']> = Extract<Outcome, { readonly kind: Kind }>;

/** The response for an outcome. */
export function respond(outcome: Outcome, rules: RespondRules): OutboundResponse {
  if (outcome.kind === 'token') return token(outcome, rules);
  if (outcome.kind === 'host-token') return hostToken(outcome, rules);
  if (outcome.kind === 'proxied') return proxied(outcome);
  return asJson(refusalOf(outcome, rules.notAssignedStatus), rules, isProbe(outcome));
}

function token({ issued, resource }: Of<'token'>, { nowMs }: RespondRules): OutboundResponse {
  const { json: body, headers } = tokenBody({ issued, resource }, nowMs);
  return { status: 200, headers, body };
}

/** The format that the Secrets Store CSI driver reads: one token. */
function hostToken({ issued, resource }: Of<'host-token'>, { nowMs }: RespondRules): OutboundResponse {
  const fields = tokenFields({ ...issued, resource }, Math.floor(nowMs / 1000));
  const body = asciiJson(JSON.stringify({ token: fields, clientid: issued.clientId ?? '' }));
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

/** SDKs detect a metadata service by a request without the header: the response is exactly that of the real one. */
function isProbe(outcome: Outcome): boolean {
  return outcome.kind === 'bad-request' && outcome.problem.why === 'no-metadata-header';
}

/** The format of the metadata service, since SDKs take others for network errors. Each SDK shows its users another part of a response. */
function asJson(refusal: Refusal, rules: RespondRules, isProbe: boolean): OutboundResponse {
  const { status, error: code, description } = refusal;
  const headers = extraHeaders(refusal, rules);
  const error = isProbe ? code : `${code}: ${inOneLine(description, longest.error)}`;
  const body = asciiJson(JSON.stringify({ error, error_description: description }));
  return {
    status,
    ...(!isProbe && { reason: inOneLine(description, longest.statusLine) }),
    headers: { ...jsonHeaders(body), ...headers },
    body,
  };
}

/**
 * In characters. A status line has at most 256 with this: some clients read it into a small buffer. Some show their users only `error`, which
 * has room for the remedy.
 */
const longest = { statusLine: 240, error: 1_000 };

/** Printable ASCII: Azure's texts and names that an editor chose cannot end the status line. */
function inOneLine(text: string, most: number): string {
  const line = text.slice(0, 4 * most).replaceAll(/[^ -~]+/g, ' ');
  return line.length > most ? `${line.slice(0, most - 3)}...` : line;
}

function extraHeaders(
  { status, retryAfter, allow }: Pick<Refusal, 'status' | 'retryAfter' | 'allow'>,
  { random }: RespondRules,
): Readonly<Record<string, string>> {
  return {
    ...(retryAfter === undefined ? {} : { 'Retry-After': String(secondsOf(retryAfter, status, random())) }),
    ...(allow === undefined ? {} : { Allow: allow }),
  };
}
