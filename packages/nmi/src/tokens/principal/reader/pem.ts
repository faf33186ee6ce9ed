import { PKCS8ShroudedKeyBag } from 'pkijs';
import type { KeyObject } from 'node:crypto';
import { assemble, readKey, type ReadCertificate } from './certificate.ts';
import { mostWork, tooMuchWork, workOf } from './work.ts';

const keyBlock = /-----BEGIN ((?:RSA |EC |ENCRYPTED )?)PRIVATE KEY-----([^-]+)-----END \1PRIVATE KEY-----/;
const certificateBlock = /-----BEGIN CERTIFICATE-----[^-]+-----END CERTIFICATE-----/g;

const unreadable =
  'its private key cannot be read: is it encrypted with another password than the key password holds?';

/** A text says what is wrong; it holds nothing of the input. */
export function readPem(text: string, password: string): ReadCertificate | string {
  const [, kind, base64] = keyBlock.exec(text) ?? [];
  if (kind === undefined || base64 === undefined) return 'it has no private key in PEM form';
  const der = Buffer.from(base64, 'base64');
  const key = keyIn(der, kind, password) ?? unreadable;
  return typeof key === 'string' ? key : assemble(key, text.match(certificateBlock) ?? []);
}

function keyIn(der: Buffer, kind: string, password: string): KeyObject | string | undefined {
  switch (kind) {
    case 'ENCRYPTED ':
      return decryptedKey(der, password);
    case 'RSA ':
      return readKey(der, 'pkcs1');
    case 'EC ':
      return readKey(der, 'sec1');
    default:
      return readKey(der, 'pkcs8');
  }
}

function decryptedKey(der: Buffer, password: string): KeyObject | string | undefined {
  const info = encryptedKeyInfo(der);
  if (!info) return undefined;
  const work = workOf(info.encryptionAlgorithm);
  if (work === undefined) return 'its private key is encrypted in a way that is not known here';
  if (work > mostWork) return `its private key ${tooMuchWork}`;
  // Written again: what OpenSSL decrypts is what was judged, even where the two readers differ.
  return readKey(new Uint8Array(info.toSchema().toBER()), 'pkcs8', password);
}

/** EncryptedPrivateKeyInfo, which PKCS#12 calls a shrouded key bag. */
function encryptedKeyInfo(der: Buffer): PKCS8ShroudedKeyBag | undefined {
  try {
    return PKCS8ShroudedKeyBag.fromBER(der);
  } catch {
    return undefined;
  }
}
