// Loads a library that NMI itself must not load: to be imported by the broker alone, with `import()`.
import { generateKeyPairSync, randomBytes, randomUUID, sign, X509Certificate } from 'node:crypto';
import { BitString, fromBER, Integer, Utf8String } from 'asn1js';
import { AlgorithmIdentifier, AttributeTypeAndValue, Certificate, PublicKeyInfo } from 'pkijs';

/** As PEM. */
export interface OwnCertificate {
  readonly key: string;
  readonly certificate: string;
}

const commonName = '2.5.4.3';
const ecdsaWithSha256 = new AlgorithmIdentifier({ algorithmId: '1.2.840.10045.4.3.2' });
const dayMs = 24 * 60 * 60_000;
/** The clocks of nodes may differ. */
const toleranceMs = dayMs;
/** A renewal that fails is tried for ten days (roster.ts). */
export const lifeMs = 30 * dayMs;

/**
 * A key, which never leaves this process, and its certificate, which no authority has signed: who trusts it compares all of it. The name in it is
 * for people, and another one each time: of two certificates with one name OpenSSL finds only the first.
 */
export function createCertificate(name: string, now: number): OwnCertificate {
  const { privateKey, publicKey } = generateKeyPairSync('ec', {
    namedCurve: 'P-256',
    publicKeyEncoding: { type: 'spki', format: 'der' },
    privateKeyEncoding: { type: 'pkcs8', format: 'pem' },
  });
  const certificate = new Certificate({
    version: 2,
    serialNumber: serialNumber(),
    signature: ecdsaWithSha256,
    signatureAlgorithm: ecdsaWithSha256,
    subjectPublicKeyInfo: new PublicKeyInfo({ schema: fromBER(Uint8Array.from(publicKey)).result }),
  });
  const value = new Utf8String({ value: `${name} ${randomUUID()}` });
  for (const named of [certificate.subject, certificate.issuer])
    named.typesAndValues.push(new AttributeTypeAndValue({ type: commonName, value }));
  certificate.notBefore.value = new Date(now - toleranceMs);
  certificate.notAfter.value = new Date(now + lifeMs);
  certificate.tbsView = new Uint8Array(certificate.encodeTBS().toBER());
  const signature = sign('sha256', certificate.tbsView, privateKey);
  certificate.signatureValue = new BitString({ valueHex: Uint8Array.from(signature).buffer });
  const der = Buffer.from(certificate.toSchema().toBER());
  return { key: privateKey, certificate: new X509Certificate(der).toString() };
}

/** Positive, and of the same length each time. */
function serialNumber(): Integer {
  const bytes = randomBytes(16);
  bytes[0] = 0x40 | (bytes.readUInt8(0) & 0x3f);
  return new Integer({ valueHex: Uint8Array.from(bytes).buffer });
}
