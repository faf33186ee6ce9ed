import { oneLine, type ImdsError } from '../errors.ts';
import type { AccessToken } from '../types.ts';
import { differences, remedyOf, type Env } from './advice.ts';
import type { TokenWish } from './arguments.ts';
import { shownJson } from './shown.ts';
import { claimsOf } from './claims.ts';
import type { Try } from './watched.ts';

/** A time in milliseconds since the epoch as ISO 8601: a pure file has no calendar of its own. */
export type TimeOf = (timestamp: number) => string;

export interface Probe {
  readonly isAvailable: boolean;
  readonly ms: number;
  readonly isPage: boolean;
}

/** What the request for a token ended with. */
export interface End {
  readonly result: AccessToken | ImdsError;
  readonly ms: number;
}

export interface Story extends End {
  readonly wish: TokenWish;
  readonly env: Env;
  /** Milliseconds since the epoch. */
  readonly now: number;
  readonly timeOf: TimeOf;
}

/** As `az account get-access-token` prints it. */
export function tokenAsJson(access: AccessToken, timeOf: TimeOf): string {
  const { token, expiresOnTimestamp, tokenType, resource, clientId } = access;
  const shown = {
    accessToken: token,
    expiresOn: timeOf(expiresOnTimestamp),
    expires_on: Math.floor(expiresOnTimestamp / 1000),
    tokenType,
    resource,
    ...(clientId !== undefined && { clientId }),
  };
  return `${shownJson(JSON.stringify(shown, undefined, 2))}\n`;
}

/** Why there is no token, and what to do. */
export function refusal(error: ImdsError): string {
  const [first, ...more] = linesOf(error);
  return [oneLine(`No token: ${first}.`), ...more, remedyOf(error)].map((line) => `${line}\n`).join('');
}

/** The message; from the second line on what the service wrote in further lines, such as roles to paste. */
function linesOf({ message, description = '' }: ImdsError): [first: string, ...more: string[]] {
  const [first = '', ...more] = description.split(/\r?\n/).map((line) => oneLine(line).trimEnd());
  return [
    message.replace(oneLine(description), () => first),
    ...more.filter((line) => line !== '').map((line) => (ownLine.test(line) ? `  ${line}` : line)),
  ];
}

/** How lines of an explanation begin: those of the service must not look like them. */
const ownLine = /^(endpoint|probe|request|result|expires|refresh|client id|claims?|advice)\b/;

type Line = readonly [name: string, text: string];

function written(lines: readonly Line[]): string {
  return lines.map(([name, text]) => `${name.padEnd(10)} ${oneLine(text)}\n`).join('');
}

/** The lines of an explanation before the request for a token. */
export function explainProbe(endpoint: string, { isAvailable, ms, isPage }: Probe): string {
  const silent = isPage ? 'a web page answers, no metadata service' : 'no metadata service answers';
  const answered = isAvailable ? 'a metadata service answers' : silent;
  return written([
    ['endpoint', endpoint],
    ['probe', `${answered}, after ${Math.round(ms)} ms`],
  ]);
}

/** A request for the token. */
export function explainTry(number: number, { ms, result }: Try): string {
  return written([[`request ${number}`, `${result}, after ${Math.round(ms)} ms`]]);
}

/** While a request has no response yet. */
export function explainWait(number: number, ms: number): string {
  return written([[`request ${number}`, `no response yet, after ${Math.round(ms / 1000)} s`]]);
}

/** What the requests ended with, without the token. */
export function explain(story: Story): string {
  const advice = differences(story.env, story.wish).map((text): Line => ['advice', text]);
  return `${'code' in story.result ? failure(story.result) : written(success(story, story.result))}${written(advice)}`;
}

function failure(error: ImdsError): string {
  const [first, ...more] = linesOf(error);
  const id: Line[] = error.requestId === undefined ? [] : [['request id', error.requestId]];
  const result: Line = ['result', `no token (${error.code}): ${first}`];
  return [
    written([result]),
    ...more.map((line) => `${line}\n`),
    written([...id, ['advice', remedyOf(error)]]),
  ].join('');
}

function success({ now, ms, wish, timeOf }: Story, result: AccessToken): Line[] {
  const { expiresOnTimestamp, refreshAfterTimestamp, clientId } = result;
  const claims = claimsOf(result.token);
  const seconds = Math.round((expiresOnTimestamp - now) / 1000);
  const left = seconds < 120 ? `${seconds} seconds` : `${Math.round(seconds / 60)} minutes`;
  const refresh: Line[] =
    refreshAfterTimestamp === undefined ? [] : [['refresh', `from ${timeOf(refreshAfterTimestamp)}`]];
  const client: Line[] = clientId === undefined ? [] : [['client id', clientId]];
  const advice = `If ${wish.resource.slice(0, 200)} refuses this token, the identity${objectIdOf(claims)} lacks a role there.`;
  return [
    ['result', `a token, after ${Math.round(ms)} ms in all`],
    ['expires', `${timeOf(expiresOnTimestamp)}, in ${left}`],
    ...refresh,
    ...client,
    ...claimLines(claims),
    ['advice', advice],
  ];
}

const mostClaims = 50;

function claimLines(claims: Readonly<Record<string, unknown>> | undefined): Line[] {
  if (claims === undefined) return [['claims', 'unknown: the token is no JSON Web Token']];
  return Object.entries(claims)
    .slice(0, mostClaims)
    .map(([name, value]) => ['claim', `${name.slice(0, 100)} = ${shown(value).slice(0, 500)}`]);
}

function shown(value: unknown): string {
  try {
    return JSON.stringify(value);
  } catch {
    return '(nested too deep to show)';
  }
}

function objectIdOf(claims: Readonly<Record<string, unknown>> | undefined): string {
  const id = claims?.['oid'];
  return typeof id === 'string' ? ` (object id ${id.slice(0, 100)})` : '';
}
