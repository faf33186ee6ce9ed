import type { ServicePrincipal } from '../types.ts';

/** A Secret's content by its keys. */
export type SecretData = ReadonlyMap<string, Buffer>;

/** What a service principal proves itself with, as it lies in its Secret. */
export type StoredCredential =
  | { readonly kind: 'secret'; readonly value: string }
  | { readonly kind: 'pfx'; readonly bytes: Buffer; readonly password: string }
  | { readonly kind: 'pem'; readonly text: string; readonly password: string };

const secretKey = 'clientSecret';

/**
 * Finds the credential in the Secret; a text says what is wrong with it. Only names of keys appear in texts. The original
 * took any key for the client secret, by chance if there were several: so one key of any name is enough, and several need
 * the one that is meant.
 */
export function readCredential(
  data: SecretData,
  credential: ServicePrincipal['credential'],
): StoredCredential | string {
  return credential === 'secret' ? readSecret(data) : readCertificate(data);
}

function readSecret(data: SecretData): StoredCredential | string {
  const only = data.size === 1 ? [...data.values()][0] : undefined;
  const bytes = data.get(secretKey) ?? only;
  if (data.size === 0) return `it is empty; put the client secret under the key ${secretKey}`;
  if (!bytes) return `it has several keys and none is ${secretKey}; put the client secret under that key`;
  // A line's end is never part of a client secret, but often part of the file that it came from.
  const value = bytes.toString('utf8').replace(/\r?\n$/, '');
  return value === '' ? 'its client secret is empty' : { kind: 'secret', value };
}

function readCertificate(data: SecretData): StoredCredential | string {
  const password = (data.get('password')?.toString('utf8') ?? '').replace(/\r?\n$/, '');
  const certificate = data.get('certificate');
  if (certificate?.length === 0) return 'its key certificate is empty';
  if (certificate) {
    const text = pemText(certificate);
    return text === undefined
      ? { kind: 'pfx', bytes: certificate, password }
      : { kind: 'pem', text: `${text}\n${utf8(data, 'tls.key')}`, password };
  }
  if (data.has('tls.crt') && data.has('tls.key'))
    return { kind: 'pem', text: `${utf8(data, 'tls.crt')}\n${utf8(data, 'tls.key')}`, password };
  return 'it has neither the key certificate (PKCS#12 with its password under the key password, or PEM) nor the keys tls.crt and tls.key';
}

function utf8(data: SecretData, key: string): string {
  return data.get(key)?.toString('utf8') ?? '';
}

/** PKCS#12 is binary and begins with a DER sequence. */
function pemText(bytes: Buffer): string | undefined {
  const text = bytes.toString('latin1');
  return text.includes('-----BEGIN ') ? bytes.toString('utf8') : undefined;
}
