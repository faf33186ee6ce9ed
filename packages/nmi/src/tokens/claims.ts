import { parseMembers, type Members } from '../json.ts';

/** In lower case. */
export interface IdentityClaims {
  readonly clientId?: string;
  readonly objectId?: string;
  readonly tenantId?: string;
}

/**
 * Reads the claims of a JWT without checking its signature: it comes from the metadata service or Entra, and its audience checks it. Empty
 * for a token that cannot be read.
 */
export function readClaims(token: string): IdentityClaims {
  const payload = claimsIn(token);
  const clientId = textOf(payload, ['appid', 'azp']);
  const objectId = textOf(payload, ['oid']);
  const tenantId = textOf(payload, ['tid']);
  return { ...(clientId && { clientId }), ...(objectId && { objectId }), ...(tenantId && { tenantId }) };
}

/** All claims of a JWT, unchecked; empty for a token that cannot be read. */
export function claimsIn(token: string): Members {
  return parseMembers(Buffer.from(token.split('.')[1] ?? '', 'base64url').toString());
}

function textOf(payload: Members, names: readonly string[]): string | undefined {
  for (const name of names) {
    const value = payload[name];
    if (typeof value === 'string') return value.toLowerCase();
  }
  return undefined;
}
