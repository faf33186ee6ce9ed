import type { AccessToken } from '@pod-identity/imds-client';
import { asciiJson } from '@pod-identity/kit/core';
import type { IssuedToken } from '../tokens/types.ts';

export interface TokenBody {
  /** JSON as the metadata service writes it: every value a string, times in whole seconds. ASCII. */
  readonly json: string;
  readonly headers: Readonly<Record<string, string>>;
}

export interface TokenGiven {
  readonly issued: IssuedToken;
  readonly resource: string;
}

type Fields = Readonly<Record<string, string>>;

/** The bodies of one second. */
interface Written {
  readonly second: number;
  readonly bodies: WeakMap<IssuedToken, Map<string, TokenBody>>;
}

let written: Written = { second: 0, bodies: new WeakMap() };

/** The body for this token now, cached for a second: only `expires_in` changes. */
export function tokenBody(given: TokenGiven, nowMs: number): TokenBody {
  const { issued, resource } = given;
  const second = Math.floor(nowMs / 1000);
  if (written.second !== second) written = { second, bodies: new WeakMap() };
  const known = written.bodies.get(issued);
  const last = known?.get(resource);
  if (last) return last;
  const json = asciiJson(JSON.stringify(valueOf(given, second)));
  const body = { json, headers: jsonHeaders(json) };
  if (known) known.set(resource, body);
  else written.bodies.set(issued, new Map([[resource, body]]));
  return body;
}

export interface TokenOfTenant {
  readonly access: AccessToken;
  readonly clientId: string | undefined;
  readonly resource: string;
}

/** The token object, with its members in the order of the metadata service. */
export function tokenFields({ access, clientId, resource }: TokenOfTenant, second: number): Fields {
  const { token, expiresOnTimestamp, notBeforeTimestamp, tokenType } = access;
  const expiresOn = Math.floor(expiresOnTimestamp / 1000);
  const left = String(Math.max(0, expiresOn - second));
  return {
    access_token: token,
    ...(clientId === undefined ? {} : { client_id: clientId }),
    expires_in: left,
    expires_on: String(expiresOn),
    ext_expires_in: left,
    // Old clients need a number.
    not_before: String(
      notBeforeTimestamp === undefined ? Math.min(second, expiresOn) : Math.floor(notBeforeTimestamp / 1000),
    ),
    resource,
    token_type: tokenType,
  };
}

function valueOf({ issued, resource }: TokenGiven, second: number): unknown {
  const { clientId, auxiliary = [] } = issued;
  const primary = tokenFields({ access: issued.access, clientId, resource }, second);
  if (auxiliary.length === 0) return primary;
  const others = auxiliary.map(({ tenantId, access }) => ({
    tenantId,
    fields: tokenFields({ access, clientId, resource }, second),
  }));
  return {
    ...primary,
    auxiliary_tokens: others.map(({ tenantId, fields }) => ({ ...fields, tenant_id: tenantId })),
  };
}

/** With Content-Length, since some clients refuse chunked responses. */
export function jsonHeaders(json: string): Record<string, string> {
  return { 'Content-Type': 'application/json; charset=utf-8', 'Content-Length': String(json.length) };
}
