import { createPrivateKey, X509Certificate, type KeyObject } from 'node:crypto';

/** A private key with its certificate and those that lead to its authority. */
export interface Certificate {
  readonly key: KeyObject;
  readonly leaf: X509Certificate;
  /** The leaf first. */
  readonly chain: readonly X509Certificate[];
}

/** A signature with a longer key would take this process longer than a pod's token is worth. */
const longestRsaBits = 8192;
const mostCertificates = 16;
const curves: ReadonlySet<string> = new Set(['prime256v1', 'secp384r1']);

const keyBlock = /-----BEGIN ((?:RSA |EC |ENCRYPTED )?PRIVATE KEY)-----[^-]+-----END \1-----/;
const certificateBlock = /-----BEGIN CERTIFICATE-----[^-]+-----END CERTIFICATE-----/g;

/** A text says what is wrong; it holds nothing of the input. */
export function readPem(text: string, password: string): Certificate | string {
  const block = keyBlock.exec(text)?.[0];
  if (block === undefined) return 'it has no private key in PEM form';
  const key = attempt(() =>
    createPrivateKey({ key: block, ...(password === '' ? {} : { passphrase: password }) }),
  );
  if (!key)
    return 'its private key cannot be read: is it encrypted with another password than the key password holds?';
  return assemble(key, text.match(certificateBlock) ?? []);
}

/** Orders the certificates: the leaf is the one that belongs to the key, each of the others issued the one before. */
export function assemble(key: KeyObject, encoded: readonly (string | Buffer)[]): Certificate | string {
  const fault = faultOf(key);
  if (fault !== undefined) return fault;
  if (encoded.length > mostCertificates) return `it has more than ${mostCertificates} certificates`;
  const certificates = encoded.map((one) => attempt(() => new X509Certificate(one)));
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
  if (type === 'rsa')
    return modulusLength > longestRsaBits ? `its RSA key has more than ${longestRsaBits} bits` : undefined;
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
