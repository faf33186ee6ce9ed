import type { ServicePrincipal } from '../types.ts';

/** A Secret's content by its keys. */
export type SecretData = ReadonlyMap<string, Buffer>;

/** The credential of a service principal as stored in its Secret. */
export type StoredCredential =
  | { readonly kind: 'secret'; readonly value: string }
  | { readonly kind: 'pfx'; readonly bytes: Buffer; readonly password: string }
  | { readonly kind: 'pem'; readonly text: string; readonly password: string };

const secretKey = 'clientSecret';

/**
 * Finds the credential in the Secret; a text, which contains only names of keys, says what is wrong. The original takes any key for the
 * client secret, a random one of several: so a single key may have any name, and one of several must have the right one.
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
  // A client secret has no line break, but the file that it was read from often ends with one.
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
