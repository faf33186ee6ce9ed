/** Who a token is for: from its claims, for people to read. The service that gets the token checks it; this program must not trust it. */
export interface Identity {
  readonly clientId: string;
  readonly objectId: string;
  readonly tenantId: string;
  /** Of a managed identity: its resource id in Azure. */
  readonly resourceId: string | undefined;
}

/** The identity that a token names; undefined if it is not a token with claims. Neither the token nor its signature is kept. */
export function identityOf(token: string): Identity | undefined {
  const claims = claimsOf(token);
  // Other characters would begin another line of the log or change how it is shown.
  const text = (name: string): string | undefined => {
    const value = claims[name];
    const shown =
      typeof value === 'string' ? value.slice(0, 500).replace(/[\p{Cc}\p{Cf}\p{Zl}\p{Zp}]/gu, '') : '';
    return shown === '' ? undefined : shown;
  };
  // Tokens of version 2 have azp in place of appid.
  const clientId = text('appid') ?? text('azp');
  const [objectId, tenantId] = [text('oid'), text('tid')];
  if (clientId === undefined || objectId === undefined || tenantId === undefined) return undefined;
  return { clientId, objectId, tenantId, resourceId: text('xms_mirid') };
}

function claimsOf(token: string): Readonly<Record<string, unknown>> {
  try {
    const claims = Buffer.from(token.split('.')[1] ?? '', 'base64url').toString('utf8');
    return Object(JSON.parse(claims)) as Readonly<Record<string, unknown>>;
  } catch {
    return {};
  }
}
