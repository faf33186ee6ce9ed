import { createHash, sign } from 'node:crypto';
import type { Certificate } from './certificate.ts';

export interface AssertionClaims {
  readonly clientId: string;
  /** The address that the assertion is sent to. */
  readonly audience: string;
  readonly now: number;
  readonly id: string;
}

const lifeSeconds = 600;

/** A client assertion signed with an elliptic curve, which MSAL cannot do. */
export function signAssertion(certificate: Certificate, claims: AssertionClaims): string {
  const { key, leaf, chain } = certificate;
  const isP384 = key.asymmetricKeyDetails?.namedCurve === 'secp384r1';
  const at = Math.floor(claims.now / 1000);
  const header = {
    alg: isP384 ? 'ES384' : 'ES256',
    typ: 'JWT',
    'x5t#S256': createHash('sha256').update(leaf.raw).digest('base64url'),
    x5c: chain.map(({ raw }) => raw.toString('base64')),
  };
  const payload = {
    ...{ aud: claims.audience, iss: claims.clientId, sub: claims.clientId, jti: claims.id },
    ...{ nbf: at, iat: at, exp: at + lifeSeconds },
  };
  const signed = [header, payload]
    .map((part) => Buffer.from(JSON.stringify(part)).toString('base64url'))
    .join('.');
  const signature = sign(isP384 ? 'sha384' : 'sha256', Buffer.from(signed), {
    key,
    dsaEncoding: 'ieee-p1363',
  });
  return `${signed}.${signature.toString('base64url')}`;
}

export function thumbprintOf({ leaf }: Certificate): string {
  return createHash('sha256').update(leaf.raw).digest('hex');
}

/** The certificates as PEM, one after the other. */
export function chainPem({ chain }: Certificate): string {
  return chain.map((one) => one.toString()).join('');
}
