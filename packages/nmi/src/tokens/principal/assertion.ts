import {
  constants,
  createHash,
  randomUUID,
  sign as signWithCallback,
  type SignKeyObjectInput,
} from 'node:crypto';
import { promisify } from 'node:util';
import { RecentMap, type Clock } from '@pod-identity/kit/core';
import type { Certificate } from './reader-words.ts';

export interface AssertionClaims {
  readonly clientId: string;
  /** The address that the assertion is sent to. */
  readonly audience: string;
}

export interface Assertions {
  /** A signed client assertion, which may have been signed before. */
  readonly sign: (certificate: Certificate, claims: AssertionClaims) => Promise<string>;
}

const lifeSeconds = 600;
const reuseMs = (lifeSeconds / 2) * 1000;
const keptOfCertificate = 32;
const signInPool = promisify(signWithCallback);

interface Kept {
  readonly madeAt: number;
  readonly assertion: Promise<string>;
}

/**
 * Keeps assertions for half of their life. MSAL would sign for every token, on the main thread: that takes milliseconds, and tens of
 * them for a key with inconsistent numbers.
 */
export function createAssertions(clock: Pick<Clock, 'now'>): Assertions {
  const memory = new WeakMap<Certificate, Map<string, Kept>>();
  const sign: Assertions['sign'] = (certificate, claims) => {
    const ofCertificate = memory.get(certificate) ?? new RecentMap<string, Kept>(keptOfCertificate);
    memory.set(certificate, ofCertificate);
    const name = `${claims.clientId} ${claims.audience}`;
    const now = clock.now();
    const kept = ofCertificate.get(name);
    // Also signed again when the clock was set.
    if (kept && Math.abs(now - kept.madeAt) < reuseMs) return kept.assertion;
    const assertion = signAssertion(certificate, claims, now);
    ofCertificate.set(name, { madeAt: now, assertion });
    return assertion;
  };
  return { sign };
}

/** Signs in the thread pool. */
async function signAssertion(
  certificate: Certificate,
  { clientId, audience }: AssertionClaims,
  now: number,
): Promise<string> {
  const { leaf, chain } = certificate;
  const { alg, hash, input } = methodOf(certificate);
  const at = Math.floor(now / 1000);
  const header = {
    alg,
    typ: 'JWT',
    'x5t#S256': createHash('sha256').update(leaf.raw).digest('base64url'),
    // The whole chain, for applications that are registered by subject and issuer.
    x5c: chain.map(({ raw }) => raw.toString('base64')),
  };
  const payload = {
    aud: audience,
    iss: clientId,
    sub: clientId,
    jti: randomUUID(),
    nbf: at,
    iat: at,
    exp: at + lifeSeconds,
  };
  const signed = [header, payload]
    .map((part) => Buffer.from(JSON.stringify(part)).toString('base64url'))
    .join('.');
  const signature = await signInPool(hash, Buffer.from(signed), input);
  return `${signed}.${signature.toString('base64url')}`;
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
