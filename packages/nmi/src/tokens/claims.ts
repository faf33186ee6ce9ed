/** What a token says about its identity, both in lower case. */
export interface IdentityClaims {
  readonly clientId?: string;
  readonly objectId?: string;
}

/**
 * Reads the claims of a JWT without judging its signature: it came from the machine's own metadata service over a
 * link-local connection, and is checked by whoever it is for. Empty for a token that cannot be read.
 */
export function readClaims(token: string): IdentityClaims {
  const clientId = textOf(payloadOf(token), ['appid', 'azp']);
  const objectId = textOf(payloadOf(token), ['oid']);
  return { ...(clientId && { clientId }), ...(objectId && { objectId }) };
}

function payloadOf(token: string): object {
  try {
    const payload: unknown = JSON.parse(Buffer.from(token.split('.')[1] ?? '', 'base64url').toString());
    return typeof payload === 'object' && payload !== null ? payload : {};
  } catch {
    return {};
  }
}

function textOf(payload: object, names: readonly string[]): string | undefined {
  const claims = new Map<string, unknown>(Object.entries(payload));
  const value = names.map((name) => claims.get(name)).find((claim) => typeof claim === 'string');
  return typeof value === 'string' ? value.toLowerCase() : undefined;
}
