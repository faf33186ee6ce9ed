import { createHash, type KeyObject } from 'node:crypto';
import { compactVerify, decodeJwt, exportJWK, SignJWT, type JSONWebKeySet, type JWTPayload } from 'jose';
import { keysFor, newKeys } from './rsa.ts';

/** The principal of a token. */
export interface TokenSubject {
  readonly principalId: string;
  readonly clientId: string;
  readonly tenantId: string;
  /** Of a managed identity. */
  readonly resourceId?: string;
}

export interface MintedToken {
  readonly token: string;
  /** Seconds since the epoch. */
  readonly notBefore: number;
  readonly expiresOn: number;
  readonly lifetimeSeconds: number;
}

export interface TokenClaims {
  readonly audience: string;
  readonly clientId: string;
  readonly principalId: string;
  readonly tenantId: string;
  /** Seconds since the epoch. */
  readonly expiresOn: number;
}

export type TokenFault = 'malformed' | 'signature' | 'audience' | 'not-yet-valid' | 'expired';
export type TokenVerdict =
  | { readonly ok: true; readonly claims: TokenClaims }
  | { readonly ok: false; readonly why: TokenFault; readonly claims?: TokenClaims };

export interface Tokens {
  mint(subject: TokenSubject, audience: string): Promise<MintedToken>;
  verify(token: string, audiences: readonly string[]): Promise<TokenVerdict>;
  readonly keys: JSONWebKeySet;
}

interface TokenOptions {
  readonly now: () => number;
  readonly newId: () => string;
  readonly lifetimeSeconds: number;
  readonly ownKeys: boolean;
}

/** Entra dates a token five minutes back, so that a slow clock does not refuse it. */
const backdatedSeconds = 300;

export async function createTokens(options: TokenOptions): Promise<Tokens> {
  const { privateKey, publicKey } = await (options.ownKeys ? newKeys() : keysFor('tokens'));
  const jwk = await exportJWK(publicKey);
  const kid = createHash('sha256').update(JSON.stringify(jwk)).digest('base64url').slice(0, 27);
  return {
    mint: (subject, audience) => mint({ subject, audience, privateKey, kid }, options),
    verify: (token, audiences) => verify(token, { audiences, publicKey, nowSeconds: seconds(options.now()) }),
    keys: { keys: [{ ...jwk, kid, use: 'sig', alg: 'RS256' }] },
  };
}

const seconds = (milliseconds: number): number => Math.floor(milliseconds / 1000);

interface Mint {
  readonly subject: TokenSubject;
  readonly audience: string;
  readonly privateKey: KeyObject;
  readonly kid: string;
}

async function mint(
  { subject, audience, privateKey, kid }: Mint,
  options: TokenOptions,
): Promise<MintedToken> {
  const issuedAt = seconds(options.now());
  const notBefore = issuedAt - backdatedSeconds;
  const expiresOn = issuedAt + options.lifetimeSeconds;
  const claims = {
    appid: subject.clientId,
    appidacr: '2',
    idtyp: 'app',
    oid: subject.principalId,
    tid: subject.tenantId,
    uti: options.newId(),
    ver: '1.0',
    ...(subject.resourceId === undefined ? {} : { xms_mirid: subject.resourceId }),
  };
  const token = await new SignJWT(claims)
    .setProtectedHeader({ alg: 'RS256', typ: 'JWT', kid, x5t: kid })
    .setIssuer(`https://sts.windows.net/${subject.tenantId}/`)
    .setSubject(subject.principalId)
    .setAudience(audience)
    .setIssuedAt(issuedAt)
    .setNotBefore(notBefore)
    .setExpirationTime(expiresOn)
    .sign(privateKey);
  return { token, notBefore, expiresOn, lifetimeSeconds: options.lifetimeSeconds };
}

interface Check {
  readonly audiences: readonly string[];
  readonly publicKey: KeyObject;
  readonly nowSeconds: number;
}

async function verify(token: string, check: Check): Promise<TokenVerdict> {
  const payload = decode(token);
  const claims = payload && claimsOf(payload);
  if (payload === undefined || claims === undefined) return { ok: false, why: 'malformed' };
  if (!(await isSignedBy(token, check.publicKey))) return { ok: false, why: 'signature', claims };
  if (!check.audiences.includes(claims.audience)) return { ok: false, why: 'audience', claims };
  if ((payload.nbf ?? 0) > check.nowSeconds) return { ok: false, why: 'not-yet-valid', claims };
  if (claims.expiresOn <= check.nowSeconds) return { ok: false, why: 'expired', claims };
  return { ok: true, claims };
}

function decode(token: string): JWTPayload | undefined {
  try {
    return decodeJwt(token);
  } catch {
    return undefined;
  }
}

function claimsOf(payload: JWTPayload): TokenClaims | undefined {
  const { aud, exp, appid, oid, tid } = payload;
  if (typeof aud !== 'string' || typeof exp !== 'number') return undefined;
  if (typeof appid !== 'string' || typeof oid !== 'string' || typeof tid !== 'string') return undefined;
  return { audience: aud, clientId: appid, principalId: oid, tenantId: tid, expiresOn: exp };
}

/** Checks only the signature: times are checked by the simulator's clock. */
async function isSignedBy(token: string, key: KeyObject): Promise<boolean> {
  try {
    await compactVerify(token, key, { algorithms: ['RS256'] });
    return true;
  } catch {
    return false;
  }
}
