// Input and output of the process that reads certificates. Its output is not trusted, since it has read untrusted input.
import { createPrivateKey, type JsonWebKey, type KeyObject } from 'node:crypto';
import { membersOf, parseMembers, type Members } from '../../json.ts';
import { longest, type StoredCredential } from './secret-keys.ts';

export type StoredCertificate = Exclude<StoredCredential, { readonly kind: 'secret' }>;

export interface ReadRequest {
  readonly kind: 'pem' | 'pfx';
  /** Base64. */
  readonly content: string;
  readonly password: string;
}

export type ReadResponse =
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

const longestFault = 400;
const mostCertificates = 16;

/** A text says what is too large. */
export function readRequestOf(stored: StoredCertificate): ReadRequest | string {
  const content = stored.kind === 'pem' ? Buffer.from(stored.text) : stored.bytes;
  if (content.length > longest.certificate)
    return `its certificate and key have more than ${longest.certificate} bytes; leave out what is not of its chain`;
  if (Buffer.byteLength(stored.password) > longest.password)
    return `its key password has more than ${longest.password} bytes`;
  return { kind: stored.kind, content: content.toString('base64'), password: stored.password };
}

/** The certificate, or a text that says what is wrong with it; undefined if the output is not valid. */
export function parseReadResponse(text: string): Certificate | string | undefined {
  const { fault, key, chain } = parseMembers(text);
  if (typeof fault === 'string') return isSpeakable(fault) ? fault : undefined;
  const certificates = readChain(chain);
  const privateKey = readJwk(key);
  const [leaf] = certificates;
  return leaf && privateKey ? { key: privateKey, leaf, chain: certificates } : undefined;
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

/** Bits of the numbers of an RSA key. OpenSSL accepts no larger exponent for long keys. */
const most = { modulus: 4096, prime: 2049, exponent: 64 };
const curveBytes: Readonly<Record<string, number>> = { 'P-256': 32, 'P-384': 48 };

/** Checks the sizes of its numbers first: large ones make signatures slow. */
function readJwk(key: unknown): KeyObject | undefined {
  const jwk = membersOf(key);
  if (jwk['kty'] === 'EC') return isEcKey(jwk) ? attempt(jwk) : undefined;
  return isRsaKey(jwk) ? attempt(jwk) : undefined;
}

function isEcKey({ crv, x, y, d }: Members): boolean {
  const bytes = typeof crv === 'string' ? curveBytes[crv] : undefined;
  return bytes !== undefined && [x, y, d].every((one) => bytesOf(one) === bytes);
}

function isRsaKey({ kty, n, e, d, p, q, dp, dq, qi }: Members): boolean {
  const isSmall = (bits: number) => (one: unknown) => bytesOf(one) > 0 && bytesOf(one) <= Math.ceil(bits / 8);
  return (
    kty === 'RSA' &&
    [n, d].every(isSmall(most.modulus)) &&
    [p, q, dp, dq, qi].every(isSmall(most.prime)) &&
    isSmall(most.exponent)(e)
  );
}

/** Bytes of a number in base64url; 0 if it is not one. */
function bytesOf(value: unknown): number {
  return typeof value === 'string' && /^[A-Za-z0-9_-]+$/.test(value) ? Math.floor((value.length * 3) / 4) : 0;
}

function attempt(key: Members): KeyObject | undefined {
  try {
    return createPrivateKey({ key: key, format: 'jwk' });
  } catch {
    return undefined;
  }
}
