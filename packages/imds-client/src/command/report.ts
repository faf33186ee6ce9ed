import type { ImdsError } from '../errors.ts';
import { oneLine, parseObject } from '../text.ts';
import type { AccessToken } from '../types.ts';
import { remedyOf } from './advice.ts';

/** A time in milliseconds since the epoch as ISO 8601: a pure file has no calendar of its own. */
export type TimeOf = (timestamp: number) => string;

/** A token that came; `now` in milliseconds since the epoch. */
interface Arrived {
  readonly result: AccessToken;
  readonly ms: number;
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
    resource: oneLine(resource),
    ...(clientId !== undefined && { clientId: oneLine(clientId) }),
  };
  return `${JSON.stringify(shown, undefined, 2)}\n`;
}

/** Why there is no token, and what to do. */
export function refusal(error: ImdsError): string {
  return `${reasonOf(error, 'No token: ', '.')}${remedyOf(error)}\n`;
}

/** The message; then what the service wrote in further lines, such as roles to paste. */
function reasonOf({ message, description = '' }: ImdsError, beginning: string, end = ''): string {
  const [first = '', ...more] = description.split(/\r?\n/).map((text) => oneLine(text).trimEnd());
  const whole = message.replace(oneLine(description), () => first);
  const further = more.filter((text) => text !== '').map((text) => (ownLine.test(text) ? `  ${text}` : text));
  return [oneLine(beginning + whole + end), ...further].map((text) => `${text}\n`).join('');
}

/** How lines of an explanation begin: those of the service must not look like them. */
const ownLine = /^(endpoint|probe|request|result|expires|refresh|client id|claims?|advice)\b/;

/** A line of an explanation. */
export function line(name: string, text: string | undefined): string {
  return text === undefined ? '' : `${name.padEnd(10)} ${oneLine(text)}\n`;
}

/** What the requests ended with, if there is no token. */
export function explainRefusal(error: ImdsError): string {
  const result = reasonOf(error, `${'result'.padEnd(10)} no token (${error.code}): `);
  return `${result}${line('request id', error.requestId)}${line('advice', remedyOf(error))}`;
}

/** What the requests ended with, without the token. */
export function explainToken({ result, ms, now, timeOf }: Arrived): string {
  const { token, expiresOnTimestamp, refreshAfterTimestamp, clientId, resource } = result;
  const claims = claimsOf(token);
  const seconds = Math.round((expiresOnTimestamp - now) / 1000);
  const left = seconds < 120 ? `${seconds} seconds` : `${Math.round(seconds / 60)} minutes`;
  const refresh = refreshAfterTimestamp === undefined ? undefined : `from ${timeOf(refreshAfterTimestamp)}`;
  const id = typeof claims?.['oid'] === 'string' ? ` (object id ${claims['oid'].slice(0, 100)})` : '';
  return [
    line('result', `a token, after ${Math.round(ms)} ms in all`),
    line('expires', `${timeOf(expiresOnTimestamp)}, in ${left}`),
    line('refresh', refresh),
    line('client id', clientId),
    claims === undefined
      ? line('claims', 'unknown: the token is no JSON Web Token')
      : Object.entries(claims).slice(0, mostClaims).map(claimLine).join(''),
    line('advice', `If ${resource.slice(0, 200)} refuses this token, the identity${id} lacks a role there.`),
  ].join('');
}

const mostClaims = 50;

function claimLine([name, value]: readonly [string, unknown]): string {
  let shown = '(nested too deep to show)';
  try {
    shown = JSON.stringify(value).slice(0, 500);
  } catch {
    // It stays hidden.
  }
  return line('claim', `${name.slice(0, 100)} = ${shown}`);
}

/** The claims of a JSON Web Token; undefined if it is none. The signature is neither read nor checked: the token is for another service. */
export function claimsOf(token: string): Readonly<Record<string, unknown>> | undefined {
  const [, payload = '', ...rest] = token.split('.');
  const claims = rest.length === 1 ? parseObject(Buffer.from(payload, 'base64url').toString()) : undefined;
  return Array.isArray(claims) ? undefined : claims;
}
