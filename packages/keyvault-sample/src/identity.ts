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
  let claims: Readonly<Record<string, unknown>> = {};
  try {
    claims = Object(
      JSON.parse(Buffer.from(token.split('.')[1] ?? '', 'base64url').toString()),
    ) as typeof claims;
  } catch {
    return undefined;
  }
  // Other characters would begin another line of the log or change how it is shown.
  const text = (name: string): string | undefined => {
    const value = claims[name];
    const shown = typeof value === 'string' ? value.slice(0, 500).replace(misleading, '') : '';
    return shown === '' ? undefined : shown;
  };
  // Tokens of version 2 have azp in place of appid.
  const [clientId, objectId, tenantId] = [text('appid') ?? text('azp'), text('oid'), text('tid')];
  if (clientId === undefined || objectId === undefined || tenantId === undefined) return undefined;
  return { clientId, objectId, tenantId, resourceId: text('xms_mirid') };
}

const misleading = /[\p{Cc}\p{Cf}\p{Zl}\p{Zp}]/gu;
