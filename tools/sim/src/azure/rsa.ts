// RSA by node:crypto: node-forge, which writes the certificates, takes a hundred times as long for a signature.
import { generateKeyPair, sign, type KeyObject } from 'node:crypto';
import { promisify } from 'node:util';
import forge from 'node-forge';

export interface RsaKeys {
  readonly privateKey: KeyObject;
  readonly publicKey: KeyObject;
}

export const newKeys = (): Promise<RsaKeys> => promisify(generateKeyPair)('rsa', { modulusLength: 2048 });

const known = new Map<string, Promise<RsaKeys>>();

/** The keys for this purpose, which all simulators of a process share: to make them takes a fifth of a second of the processor. */
export function keysFor(purpose: 'authority' | 'server' | 'tokens'): Promise<RsaKeys> {
  const keys = known.get(purpose) ?? newKeys();
  known.set(purpose, keys);
  return keys;
}

/** Signs the certificate with SHA-256; returns it as PEM. */
export function signCertificate(certificate: forge.pki.Certificate, key: KeyObject): string {
  const signer = {
    sign: () => {
      const bytes = Buffer.from(forge.asn1.toDer(certificate.tbsCertificate).getBytes(), 'latin1');
      return sign('sha256', bytes, key).toString('latin1');
    },
  };
  certificate.sign(signer as unknown as forge.pki.rsa.PrivateKey, forge.md.sha256.create());
  return forge.pki.certificateToPem(certificate);
}

export const publicKeyOf = ({ publicKey }: RsaKeys): forge.pki.rsa.PublicKey =>
  forge.pki.publicKeyFromPem(publicKey.export({ type: 'spki', format: 'pem' }).toString());
