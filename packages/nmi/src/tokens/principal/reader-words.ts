// What is said to the child process that reads certificates, and what it may answer. Its answer is not trusted: the process
// has read what the editor of a namespace wrote.
import { createPrivateKey, type JsonWebKey, type KeyObject } from 'node:crypto';
import type { StoredCredential } from './secret-keys.ts';

export type StoredCertificate = Exclude<StoredCredential, { readonly kind: 'secret' }>;

export interface Question {
  readonly kind: 'pem' | 'pfx';
  /** Base64. */
  readonly content: string;
  readonly password: string;
}

export type Answer =
  { readonly fault: string } | { readonly key: JsonWebKey; readonly chain: readonly string[] };

/** A private key with its certificate and those that lead to its authority. */
export interface Certificate {
  readonly key: KeyObject;
  readonly leaf: Encoded;
  /** The leaf first. */
  readonly chain: readonly Encoded[];
}

interface Encoded {
  /** DER. */
  readonly raw: Buffer;
}

const longestContent = 64 * 1024;
const longestPassword = 1024;
const longestFault = 400;
const mostCertificates = 16;

/** A text says what is too large. */
export function questionOf(stored: StoredCertificate): Question | string {
  const content = stored.kind === 'pem' ? Buffer.from(stored.text) : stored.bytes;
  if (content.length > longestContent)
    return `its certificate and key have more than ${longestContent} bytes`;
  if (Buffer.byteLength(stored.password) > longestPassword)
    return `its key password has more than ${longestPassword} bytes`;
  return { kind: stored.kind, content: content.toString('base64'), password: stored.password };
}

/** The certificate, or a text that says what is wrong with it; undefined for what the process must not answer. */
export function readAnswer(text: string): Certificate | string | undefined {
  const { fault, key, chain } = parse(text);
  if (typeof fault === 'string') return isSpeakable(fault) ? fault : undefined;
  const certificates = readChain(chain);
  const privateKey = readJwk(key);
  const [leaf] = certificates;
  return leaf && privateKey ? { key: privateKey, leaf, chain: certificates } : undefined;
}

function parse(text: string): Readonly<Record<string, unknown>> {
  try {
    const answer: unknown = JSON.parse(text);
    return typeof answer === 'object' && answer !== null ? (answer as Record<string, unknown>) : {};
  } catch {
    return {};
  }
}

function isSpeakable(fault: string): boolean {
  return fault.length <= longestFault && /^[\p{L}\p{N} #(),.:;·?-]+$/u.test(fault);
}

function readChain(chain: unknown): readonly Encoded[] {
  if (!Array.isArray(chain) || chain.length > mostCertificates) return [];
  const all = chain as readonly unknown[];
  const isBase64 = (one: unknown): one is string =>
    typeof one === 'string' && /^[A-Za-z0-9+/]+={0,2}$/.test(one);
  return all.every(isBase64) ? all.map((one) => ({ raw: Buffer.from(one, 'base64') })) : [];
}

/** Bits of each number of an RSA key: modulus, both primes and what is derived of them. OpenSSL takes no larger exponent of long keys. */
const most = { modulus: 4096, prime: 2049, exponent: 64 };
const curveBytes: Readonly<Record<string, number>> = { 'P-256': 32, 'P-384': 48 };

/** Judged by its numbers' sizes first: a signature takes as long as they are large. */
function readJwk(key: unknown): KeyObject | undefined {
  const jwk = (typeof key === 'object' ? (key ?? {}) : {}) as Readonly<Record<string, unknown>>;
  if (jwk['kty'] === 'EC') return isEcKey(jwk) ? attempt(jwk) : undefined;
  return isRsaKey(jwk) ? attempt(jwk) : undefined;
}

function isEcKey({ crv, x, y, d }: Readonly<Record<string, unknown>>): boolean {
  const bytes = typeof crv === 'string' ? curveBytes[crv] : undefined;
  return bytes !== undefined && [x, y, d].every((one) => bytesOf(one) === bytes);
}

function isRsaKey({ kty, n, e, d, p, q, dp, dq, qi }: Readonly<Record<string, unknown>>): boolean {
  const isSmall = (bits: number) => (one: unknown) => bytesOf(one) > 0 && bytesOf(one) <= Math.ceil(bits / 8);
  return (
    kty === 'RSA' &&
    [n, d].every(isSmall(most.modulus)) &&
    [p, q, dp, dq, qi].every(isSmall(most.prime)) &&
    isSmall(most.exponent)(e)
  );
}

/** How many bytes a number in base64url has; 0 for what is none. */
function bytesOf(value: unknown): number {
  return typeof value === 'string' && /^[A-Za-z0-9_-]+$/.test(value) ? Math.floor((value.length * 3) / 4) : 0;
}

function attempt(key: Readonly<Record<string, unknown>>): KeyObject | undefined {
  try {
    return createPrivateKey({ key: key, format: 'jwk' });
  } catch {
    return undefined;
  }
}
