// A private key with its certificates, from what openssl printed or an editor wrote: neither is trusted.
import { createPrivateKey, X509Certificate, type KeyObject } from 'node:crypto';

export interface Certificate {
  readonly key: KeyObject;
  readonly leaf: Encoded;
  /** The leaf first, each of the others issued the one before. */
  readonly chain: readonly Encoded[];
}

interface Encoded {
  /** DER. */
  readonly raw: Buffer;
}

const mostCertificates = 16;
/** Of a key in PKCS#8: one of RSA with 4096 bits has 2,400, and nothing else that is taken has more. */
const longestKeyBytes = 4_096;
/** Bytes of the numbers of an RSA key: larger ones make signatures slow. */
const most = { modulus: 512, prime: 257, exponent: 8 };
/**
 * How RSA, P-256 and P-384 begin in PKCS#8, as openssl writes them. Anything else does not come near this process's OpenSSL, which takes
 * seconds for a large key of DSA; it may be no key that openssl read: names in a PKCS#12 file are printed as they are.
 */
const knownKey =
  /^30(?:..){1,3}020100(?:300d06092a864886f70d0101010500|301306072a8648ce3d020106082a8648ce3d030107|301006072a8648ce3d020106052b81040022)/;

const keyBlocks = /-----BEGIN PRIVATE KEY-----([^-]+)-----END PRIVATE KEY-----/g;
const certificateBlocks = /-----BEGIN CERTIFICATE-----[^-]+-----END CERTIFICATE-----/g;

/** `printed` has the private key as PKCS#8 in PEM form, `text` the certificates. A text says what is wrong; it holds nothing of the input. */
export function readCertificate(printed: string, text: string): Certificate | string {
  const [key, ...others] = [...printed.matchAll(keyBlocks)].map(([, base64 = '']) => base64);
  if (key === undefined) return 'it has no private key';
  if (others.length > 0) return 'it has several private keys; it must be clear which one is meant';
  const found = readKey(Buffer.from(key, 'base64'));
  return typeof found === 'string' ? found : assemble(found, text.match(certificateBlocks) ?? []);
}

function readKey(der: Buffer): KeyObject | string {
  const longer = 'its private key is longer than an RSA key of 4096 bits';
  if (der.length > longestKeyBytes) return longer;
  if (!knownKey.test(der.toString('hex', 0, 40)))
    return 'its private key is neither RSA nor of the elliptic curves P-256 and P-384';
  const key = attempt(() => createPrivateKey({ key: der, format: 'der', type: 'pkcs8' }));
  if (!key) return 'its private key cannot be read';
  return key.asymmetricKeyType === 'rsa' && !isSmall(key) ? longer : key;
}

function isSmall(key: KeyObject): boolean {
  const { n, d, e, ...primes } = key.export({ format: 'jwk' });
  const fits = (bytes: number) => (one: unknown) =>
    typeof one !== 'string' || Math.floor((one.length * 3) / 4) <= bytes;
  return (
    [n, d].every(fits(most.modulus)) &&
    Object.values(primes).every(fits(most.prime)) &&
    fits(most.exponent)(e)
  );
}

function assemble(key: KeyObject, encoded: readonly string[]): Certificate | string {
  if (encoded.length > mostCertificates) return `it has more than ${mostCertificates} certificates`;
  const all = encoded
    .map((one) => attempt(() => new X509Certificate(one)))
    .filter((one) => one !== undefined);
  if (all.length === 0 || all.length < encoded.length) return 'it has no certificate that can be read';
  const leaf = all.find((one) => one.checkPrivateKey(key));
  if (!leaf) return 'none of its certificates belongs to its private key';
  const chain = [leaf];
  const issuer = (of: X509Certificate) => all.find((one) => !chain.includes(one) && of.checkIssued(one));
  for (let next = issuer(leaf); next; next = issuer(next)) chain.push(next);
  return { key, leaf, chain };
}

function attempt<T>(read: () => T): T | undefined {
  try {
    return read();
  } catch {
    return undefined;
  }
}
