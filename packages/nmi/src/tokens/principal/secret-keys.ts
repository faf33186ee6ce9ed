import type { ServicePrincipal } from '../types.ts';

type Credential = ServicePrincipal['credential'];

export type SecretValue = Buffer | 'too-large' | 'not-read';

/** What was read of a Secret, by its keys. */
export type SecretData = ReadonlyMap<string, SecretValue>;

/** What to read of a Secret. */
export interface WantedKeys {
  /** Limits of values in bytes. */
  readonly limits: ReadonlyMap<string, number>;
  /** Whether the names of other keys are wanted too: they tell whether a Secret has only one key. */
  readonly otherNames: boolean;
}

/** The credential of a service principal as stored in its Secret. */
export type StoredCredential =
  | { readonly kind: 'secret'; readonly value: string }
  | { readonly kind: 'pfx'; readonly bytes: Buffer; readonly password: string }
  | { readonly kind: 'pem'; readonly text: string; readonly password: string };

/** Limits in bytes. Entra gives client secrets of 40 characters, and accepts no application's own of more than 64; openssl reads 1,022 of a password. */
export const longest = { clientSecret: 4 * 1024, certificate: 64 * 1024, password: 1_000 };
const lineEnd = 2;

const secretKey = 'clientSecret';
const certificateKeys: WantedKeys = {
  limits: new Map([
    ['certificate', longest.certificate],
    ['tls.crt', longest.certificate],
    ['tls.key', longest.certificate],
    ['password', longest.password + lineEnd],
  ]),
  otherNames: false,
};

/** `only`: the only key of the Secret. */
export function wantedKeys(credential: Credential, only = secretKey): WantedKeys {
  if (credential === 'certificate') return certificateKeys;
  return { limits: new Map([secretKey, only].map((key) => [key, longest.clientSecret])), otherNames: true };
}

/**
 * Finds the credential in the Secret; a text, which contains only names of keys, says what is wrong. The original takes any key for the
 * client secret, a random one of several: so a single key may have any name, and one of several must have the right one.
 */
export function readCredential(data: SecretData, credential: Credential): StoredCredential | string {
  return credential === 'secret' ? readSecret(data) : readCertificate(data);
}

function readSecret(data: SecretData): StoredCredential | string {
  const [only = secretKey] = data.size === 1 ? data.keys() : [];
  const key = data.has(secretKey) ? secretKey : only;
  const bytes = data.get(key);
  if (data.size === 0) return `it is empty; put the client secret under the key ${secretKey}`;
  if (bytes === undefined)
    return `it has several keys and none is ${secretKey}; put the client secret under that key`;
  if (typeof bytes === 'string')
    return `its key ${key} has more than ${longest.clientSecret} bytes; put nothing but the client secret there`;
  // A client secret has no line break, but the file that it was read from often ends with one.
  const value = bytes.toString('utf8').replace(/\r?\n$/, '');
  return value === '' ? 'its client secret is empty' : { kind: 'secret', value };
}

function readCertificate(data: SecretData): StoredCredential | string {
  const certificate = data.get('certificate');
  if (certificate !== undefined) {
    if (typeof certificate === 'string') return tooLarge('certificate');
    if (certificate.length === 0) return 'its key certificate is empty';
    return isPem(certificate) ? readPem(data, 'certificate') : readPfx(data, certificate);
  }
  if (data.has('tls.crt') && data.has('tls.key')) return readPem(data, 'tls.crt');
  return 'it has neither the key certificate (PKCS#12 with its password under the key password, or PEM) nor the keys tls.crt and tls.key';
}

function readPfx(data: SecretData, bytes: Buffer): StoredCredential | string {
  return largeOf(data, ['password']) ?? { kind: 'pfx', bytes, password: passwordIn(data) };
}

function readPem(data: SecretData, key: 'certificate' | 'tls.crt'): StoredCredential | string {
  const text = `${utf8(data, key)}\n${utf8(data, 'tls.key')}`;
  return largeOf(data, [key, 'tls.key', 'password']) ?? { kind: 'pem', text, password: passwordIn(data) };
}

function passwordIn(data: SecretData): string {
  return utf8(data, 'password').replace(/\r?\n$/, '');
}

function largeOf(data: SecretData, keys: readonly string[]): string | undefined {
  const large = keys.find((key) => data.get(key) === 'too-large');
  return large === undefined ? undefined : tooLarge(large);
}

/** Two keys may be over the limit together that are not alone. */
function tooLarge(key: string): string {
  return key === 'password'
    ? `its key password has more than ${longest.password} bytes; encrypt the private key with a shorter one`
    : `its key ${key} is too large: certificate and key may have ${longest.certificate} bytes together; leave out what is not of its chain`;
}

function utf8(data: SecretData, key: string): string {
  return data.get(key)?.toString('utf8') ?? '';
}

/** PKCS#12 is binary and begins with a DER sequence. */
function isPem(bytes: Buffer): boolean {
  return bytes.toString('latin1').includes('-----BEGIN ');
}
