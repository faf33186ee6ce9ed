/** Who a token is for: from its claims, for people to read. The service that gets the token checks it; this program must not trust it. */
export interface Identity {
  readonly clientId: string;
  readonly objectId: string;
  readonly tenantId: string;
  /** Of a managed identity: its resource id in Azure. */
  readonly resourceId: string | undefined;
  /** A person, on whose behalf a program such as the Azure CLI asked. */
  readonly isUser?: true;
}

const guid = /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/i;

/** The form of client ids, object ids and tenants. */
export const isGuid = (text: string): boolean => guid.test(text);

/** In a line of the log they would begin another line or change how it is shown. */
const unprintable = /[\p{Cc}\p{Cf}\p{Zl}\p{Zp}]/gu;

/** The identity that a token names; undefined if it is not a token with claims. Neither the token nor its signature is kept. */
export function identityOf(token: string): Identity | undefined {
  const claims = claimsOf(token);
  const text = (name: string): string | undefined => {
    const value = claims?.[name];
    if (typeof value !== 'string') return undefined;
    const shown = value.slice(0, 500).replace(unprintable, '');
    return shown === '' ? undefined : shown;
  };
  // Tokens of version 2 have azp in place of appid.
  const clientId = text('appid') ?? text('azp');
  const [objectId, tenantId] = [text('oid'), text('tid')];
  if (clientId === undefined || objectId === undefined || tenantId === undefined) return undefined;
  // Tokens of applications have no scopes.
  const isUser = text('scp') !== undefined;
  return { clientId, objectId, tenantId, resourceId: text('xms_mirid'), ...(isUser && { isUser }) };
}

function claimsOf(token: string): Readonly<Record<string, unknown>> | undefined {
  const [, payload = ''] = token.split('.');
  try {
    const claims: unknown = JSON.parse(Buffer.from(payload, 'base64url').toString('utf8'));
    return typeof claims === 'object' && claims !== null ? { ...claims } : undefined;
  } catch {
    return undefined;
  }
}
