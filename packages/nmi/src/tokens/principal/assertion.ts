import {
  constants,
  createHash,
  randomUUID,
  sign as signWithCallback,
  type SignKeyObjectInput,
} from 'node:crypto';
import { promisify } from 'node:util';
import { RecentMap, type Clock } from '@pod-identity/kit/core';
import type { Certificate } from './reader-messages.ts';

export interface AssertionClaims {
  readonly clientId: string;
  /** The address that the assertion is sent to. */
  readonly audience: string;
}

/** A signed client assertion, which may have been signed before. */
export type SignAssertion = (certificate: Certificate, claims: AssertionClaims) => Promise<string>;

const lifeSeconds = 600;
const reuseMs = (lifeSeconds / 2) * 1000;
const keptOfCertificate = 32;
const signInPool = promisify(signWithCallback);

interface Kept {
  readonly madeAt: number;
  /** Payload and signature. */
  readonly signed: Promise<string>;
}

/** The header has the whole chain, which may have some 60 KiB: it is kept once for all assertions. */
interface KeptOfCertificate {
  readonly header: string;
  readonly assertions: Map<string, Kept>;
}

/**
 * Keeps assertions for half of their life. MSAL would sign for every token, on the main thread: that takes milliseconds, and tens of
 * them for a key with inconsistent numbers.
 */
export function createSigning(clock: Pick<Clock, 'now'>): SignAssertion {
  const memory = new WeakMap<Certificate, KeptOfCertificate>();
  return async (certificate, claims) => {
    const { header, assertions } = memory.get(certificate) ?? {
      header: headerOf(certificate),
      assertions: new RecentMap<string, Kept>(keptOfCertificate),
    };
    memory.set(certificate, { header, assertions });
    const name = `${claims.clientId} ${claims.audience}`;
    const now = clock.now();
    const kept = assertions.get(name);
    // Also signed again when the clock was set.
    if (kept && Math.abs(now - kept.madeAt) < reuseMs) return `${header}.${await kept.signed}`;
    const signed = signPayload(certificate, { header, payload: payloadOf(claims, now) });
    assertions.set(name, { madeAt: now, signed });
    return `${header}.${await signed}`;
  };
}

function headerOf(certificate: Certificate): string {
  const { leaf, chain } = certificate;
  return encoded({
    alg: methodOf(certificate).alg,
    typ: 'JWT',
    'x5t#S256': createHash('sha256').update(leaf.raw).digest('base64url'),
    // The whole chain, for applications that are registered by subject and issuer.
    x5c: chain.map(({ raw }) => raw.toString('base64')),
  });
}

function payloadOf({ clientId, audience }: AssertionClaims, now: number): string {
  const at = Math.floor(now / 1000);
  return encoded({
    aud: audience,
    iss: clientId,
    sub: clientId,
    jti: randomUUID(),
    nbf: at,
    iat: at,
    exp: at + lifeSeconds,
  });
}

function encoded(part: object): string {
  return Buffer.from(JSON.stringify(part)).toString('base64url');
}

/** Signs in the thread pool. */
async function signPayload(
  certificate: Certificate,
  { header, payload }: { readonly header: string; readonly payload: string },
): Promise<string> {
  const { hash, input } = methodOf(certificate);
  const signature = await signInPool(hash, Buffer.from(`${header}.${payload}`), input);
  return `${payload}.${signature.toString('base64url')}`;
}

interface Method {
  readonly alg: string;
  readonly hash: string;
  readonly input: SignKeyObjectInput;
}

function methodOf({ key }: Certificate): Method {
  if (key.asymmetricKeyType === 'rsa') {
    const padding = constants.RSA_PKCS1_PSS_PADDING;
    const saltLength = constants.RSA_PSS_SALTLEN_DIGEST;
    return { alg: 'PS256', hash: 'sha256', input: { key, padding, saltLength } };
  }
  const isP384 = key.asymmetricKeyDetails?.namedCurve === 'secp384r1';
  const input = { key, dsaEncoding: 'ieee-p1363' } as const;
  return isP384 ? { alg: 'ES384', hash: 'sha384', input } : { alg: 'ES256', hash: 'sha256', input };
}
