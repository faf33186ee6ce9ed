import {
  constants,
  createHash,
  randomUUID,
  sign as signWithCallback,
  type SignKeyObjectInput,
} from 'node:crypto';
import { promisify } from 'node:util';
import { TokenError } from '../errors.ts';
import type { Certificate } from './certificate.ts';

export interface AssertionClaims {
  readonly clientId: string;
  /** The address that the assertion is sent to. */
  readonly audience: string;
  readonly now: number;
}

const lifeSeconds = 600;
const unusable =
  'The private key of the certificate cannot sign: an RSA key has 2048 bits at least, and numbers that belong together.';
const signInPool = promisify(signWithCallback);

/** A signed client assertion. In the thread pool, since MSAL would sign on the main thread: that takes milliseconds, and tens of them for a key with inconsistent numbers. */
export async function signAssertion(certificate: Certificate, claims: AssertionClaims): Promise<string> {
  const { hash, input } = methodOf(certificate);
  const text = `${headerOf(certificate)}.${payloadOf(claims)}`;
  const signature = await signInPool(hash, Buffer.from(text), input).catch((cause: unknown) => {
    throw new TokenError('misconfigured', unusable, { cause });
  });
  return `${text}.${signature.toString('base64url')}`;
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

function payloadOf({ clientId, audience, now }: AssertionClaims): string {
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
