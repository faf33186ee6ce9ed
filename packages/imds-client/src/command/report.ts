import { oneLine, type ImdsError } from '../errors.ts';
import type { AccessToken } from '../types.ts';
import { differences, remedyOf, type Env } from './advice.ts';
import type { TokenWish } from './arguments.ts';
import { shownJson } from './shown.ts';
import { claimsOf } from './claims.ts';

/** A request that the command sent. */
export interface Try {
  /** Until the headers of the response, or the failure. */
  readonly ms: number;
  /** A status, or why there is none. */
  readonly result: string;
}

/** A time in milliseconds since the epoch as ISO 8601: a pure file has no calendar of its own. */
export type TimeOf = (timestamp: number) => string;

export interface Story {
  readonly wish: TokenWish;
  readonly env: Env;
  readonly endpoint: string;
  readonly probe: { readonly isAvailable: boolean; readonly ms: number };
  readonly tries: readonly Try[];
  readonly ms: number;
  readonly result: AccessToken | ImdsError;
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
  return `${oneLine(`No token: ${error.message}.`)}\n${remedyOf(error)}\n`;
}

/** What happened, without the token. */
export function explain(story: Story): string {
  const { wish, env, endpoint, probe, tries } = story;
  const answered = probe.isAvailable ? 'a metadata service answers' : 'no metadata service answers';
  const lines: [string, string][] = [
    ['endpoint', endpoint],
    ['probe', `${answered}, after ${Math.round(probe.ms)} ms`],
    ...tries.map(({ ms, result }, at): [string, string] => [
      `request ${at + 1}`,
      `${result}, after ${Math.round(ms)} ms`,
    ]),
    ...outcome(story),
    ...differences(env, wish).map((text): [string, string] => ['advice', text]),
  ];
  return lines.map(([name, text]) => `${name.padEnd(10)} ${oneLine(text)}\n`).join('');
}

function outcome({ result, now, ms, wish, timeOf }: Story): [string, string][] {
  if ('code' in result) {
    return [
      ['result', `no token (${result.code}): ${result.message}`],
      ...(result.requestId === undefined ? [] : [['request id', result.requestId] as [string, string]]),
      ['advice', remedyOf(result)],
    ];
  }
  const { expiresOnTimestamp, refreshAfterTimestamp, clientId } = result;
  const claims = claimsOf(result.token);
  return [
    ['result', `a token, after ${Math.round(ms)} ms in all`],
    [
      'expires',
      `${timeOf(expiresOnTimestamp)}, in ${Math.round((expiresOnTimestamp - now) / 60_000)} minutes`,
    ],
    ...(refreshAfterTimestamp === undefined
      ? []
      : [['refresh', `from ${timeOf(refreshAfterTimestamp)}`] as [string, string]]),
    ...(clientId === undefined ? [] : [['client id', clientId] as [string, string]]),
    ...claimLines(claims),
    [
      'advice',
      `If ${wish.resource.slice(0, 200)} refuses this token, the identity${objectIdOf(claims)} lacks a role there.`,
    ],
  ];
}

const mostClaims = 50;

function claimLines(claims: Readonly<Record<string, unknown>> | undefined): [string, string][] {
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
