import type { IssuedToken } from '../tokens/types.ts';

export interface TokenBody {
  /** JSON as the metadata service writes it: every value a string, times in whole seconds. */
  readonly bytes: Uint8Array;
  readonly headers: Readonly<Record<string, string>>;
}

interface Written {
  readonly second: number;
  readonly body: TokenBody;
}

/** Forgotten together with their tokens. */
const written = new WeakMap<IssuedToken, Map<string, Written>>();

/** The body for this token now. Only `expires_in` changes, once a second: until then the last body is given again. */
export function tokenBody(issued: IssuedToken, resource: string, nowMs: number): TokenBody {
  const second = Math.floor(nowMs / 1000);
  const byResource = written.get(issued) ?? new Map<string, Written>();
  const last = byResource.get(resource);
  if (last?.second === second) return last.body;
  const body = writeBody(issued, resource, second);
  byResource.set(resource, { second, body });
  written.set(issued, byResource);
  return body;
}

/** The token object alone. */
export function tokenFields(
  issued: IssuedToken,
  resource: string,
  second: number,
): Readonly<Record<string, string>> {
  const { token, expiresOnTimestamp, notBeforeTimestamp, tokenType } = issued.access;
  const expiresOn = Math.floor(expiresOnTimestamp / 1000);
  const left = String(Math.max(0, expiresOn - second));
  return {
    access_token: token,
    ...(issued.clientId === undefined ? {} : { client_id: issued.clientId }),
    expires_in: left,
    expires_on: String(expiresOn),
    ext_expires_in: left,
    // A number for old clients: never empty.
    not_before: String(Math.floor((notBeforeTimestamp ?? nowOrBefore(second, expiresOn)) / 1000)),
    refresh_token: '',
    resource,
    token_type: tokenType,
  };
}

function nowOrBefore(second: number, expiresOn: number): number {
  return Math.min(second, expiresOn) * 1000;
}

function writeBody(issued: IssuedToken, resource: string, second: number): TokenBody {
  const json = asciiJson(tokenFields(issued, resource, second));
  return { bytes: Buffer.from(json, 'latin1'), headers: jsonHeaders(json) };
}

/** JSON in which every character is one byte. */
export function asciiJson(value: unknown): string {
  return JSON.stringify(value).replace(/[\u007f-\uffff]/g, (character) => {
    return `\\u${character.charCodeAt(0).toString(16).padStart(4, '0')}`;
  });
}

/** Content-Length is always told: there are clients that refuse a chunked token. */
export function jsonHeaders(json: string): Record<string, string> {
  return { 'Content-Type': 'application/json; charset=utf-8', 'Content-Length': String(json.length) };
}
