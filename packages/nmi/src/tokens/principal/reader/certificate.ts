import { createPrivateKey, X509Certificate, type KeyObject } from 'node:crypto';

/** A private key with its certificate and those that lead to its authority. */
export interface ReadCertificate {
  readonly key: KeyObject;
  readonly leaf: X509Certificate;
  /** The leaf first. */
  readonly chain: readonly X509Certificate[];
}

const longestRsaBits = 4096;
/** In binary form: an RSA key of 4096 bits has 2,400, and nothing else that is taken has more. */
const longestKeyBytes = 4096;
const mostCertificates = 16;
const curves: ReadonlySet<string> = new Set(['prime256v1', 'secp384r1']);

const tooLong = `its private key is longer than an RSA key of ${longestRsaBits} bits`;

/** A key as PKCS#8, PKCS#1 or SEC 1. A text says that it is too long; undefined when it is no key, or the password is wrong. */
export function readKey(
  der: Uint8Array,
  type: 'pkcs8' | 'pkcs1' | 'sec1',
  passphrase = '',
): KeyObject | string | undefined {
  if (der.length > longestKeyBytes) return tooLong;
  const password = passphrase === '' ? {} : { passphrase };
  return attempt(() => createPrivateKey({ key: Buffer.from(der), format: 'der', type, ...password }));
}

/** Orders the certificates: the leaf is the one that belongs to the key, each of the others issued the one before. */
export function assemble(
  key: KeyObject,
  encoded: readonly (string | Uint8Array)[],
): ReadCertificate | string {
  const fault = faultOf(key);
  if (fault !== undefined) return fault;
  if (encoded.length > mostCertificates) return `it has more than ${mostCertificates} certificates`;
  const certificates = encoded.map((one) =>
    attempt(() => new X509Certificate(typeof one === 'string' ? one : Buffer.from(one))),
  );
  const all = certificates.filter((one) => one !== undefined);
  if (all.length === 0 || all.length < encoded.length) return 'it has no certificate that can be read';
  const leaf = all.find((one) => one.checkPrivateKey(key));
  return leaf
    ? { key, leaf, chain: chainOf(leaf, all) }
    : 'none of its certificates belongs to its private key';
}

function chainOf(leaf: X509Certificate, all: readonly X509Certificate[]): readonly X509Certificate[] {
  const chain = [leaf];
  let next: X509Certificate | undefined = leaf;
  while ((next = issuerOf(next, all, chain))) chain.push(next);
  return chain;
}

function issuerOf(
  of: X509Certificate,
  all: readonly X509Certificate[],
  known: readonly X509Certificate[],
): X509Certificate | undefined {
  return all.find((one) => !known.includes(one) && of.checkIssued(one));
}

function faultOf(key: KeyObject): string | undefined {
  const { modulusLength = 0, namedCurve = '' } = key.asymmetricKeyDetails ?? {};
  const type = key.asymmetricKeyType;
  if (type === 'rsa') return modulusLength > longestRsaBits ? tooLong : undefined;
  if (type !== 'ec') return 'its private key is neither RSA nor an elliptic curve';
  return curves.has(namedCurve) ? undefined : 'its elliptic curve is neither P-256 nor P-384';
}

function attempt<T>(read: () => T): T | undefined {
  try {
    return read();
  } catch {
    return undefined;
  }
}
