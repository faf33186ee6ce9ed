// PKCS#12 files. pkijs reads their structure and decrypts what is encrypted with AES; old ciphers are read in old-cipher.ts.
import type { KeyObject } from 'node:crypto';
import { fromBER, OctetString, type BaseBlock } from 'asn1js';
import {
  AuthenticatedSafe,
  CertBag,
  EncryptedContentInfo,
  EncryptedData,
  PFX,
  PKCS8ShroudedKeyBag,
  PrivateKeyInfo,
  SafeContents,
  type AlgorithmIdentifier,
  type ContentInfo,
  type SafeBag,
} from 'pkijs';
import { assemble, readKey, type ReadCertificate } from './certificate.ts';
import { decryptOld, UnknownCipher } from './old-cipher.ts';
import { isAes, macWork, mostWork, tooMuchWork, workOf } from './work.ts';

const data = '1.2.840.113549.1.7.1';
const encryptedData = '1.2.840.113549.1.7.6';

interface Contents {
  readonly keys: KeyObject[];
  readonly certificates: Uint8Array[];
}

interface Reading {
  readonly password: string;
  /** Work that may still be spent on this file. */
  work: number;
}

/** For a person: nothing of the file's content is in it. */
class Unreadable extends Error {}

/** A text says what is wrong; it holds nothing of the input. */
export async function readPfx(bytes: Uint8Array, password: string): Promise<ReadCertificate | string> {
  let contents: Contents;
  try {
    contents = await readContents(fromBER(Uint8Array.from(bytes)).result, { password, work: mostWork });
  } catch (error) {
    return error instanceof Unreadable
      ? error.message
      : 'its key certificate is no PKCS#12 file that can be read';
  }
  const [key, ...others] = contents.keys;
  if (!key) return 'its PKCS#12 file has no private key';
  return others.length === 0
    ? assemble(key, contents.certificates)
    : 'its PKCS#12 file has several private keys; it must be clear which one is meant';
}

async function readContents(file: BaseBlock, reading: Reading): Promise<Contents> {
  // The MAC is not verified: a wrong password shows when the key is decrypted, and whoever wrote the file wrote its MAC.
  if (macWork(file) > mostWork) throw new Unreadable(`its PKCS#12 file ${tooMuchWork}`);
  const contents: Contents = { keys: [], certificates: [] };
  const { authSafe } = new PFX({ schema: file });
  const { safeContents } = AuthenticatedSafe.fromBER(octets(authSafe.content));
  for (const info of safeContents)
    for (const bag of await bagsOf(info, reading)) await readBag(bag, reading, contents);
  return contents;
}

async function bagsOf(info: ContentInfo, reading: Reading): Promise<readonly SafeBag[]> {
  const read = (content: ArrayBuffer) => SafeContents.fromBER(content).safeBags;
  switch (info.contentType) {
    case data:
      return read(octets(info.content));
    case encryptedData: {
      const { encryptedContentInfo } = new EncryptedData({ schema: info.content as unknown });
      return decrypt(encryptedContentInfo, reading, read);
    }
    default:
      throw new Unreadable('its PKCS#12 file is encrypted with a certificate; encrypt it with a password');
  }
}

async function readBag({ bagValue }: SafeBag, reading: Reading, contents: Contents): Promise<void> {
  if (bagValue instanceof CertBag) contents.certificates.push(new Uint8Array(octets(bagValue.certValue)));
  else if (bagValue instanceof PrivateKeyInfo) contents.keys.push(keyOf(bagValue));
  else if (bagValue instanceof PKCS8ShroudedKeyBag) {
    const { encryptionAlgorithm, encryptedData: encryptedContent } = bagValue;
    const info = new EncryptedContentInfo({
      contentEncryptionAlgorithm: encryptionAlgorithm,
      encryptedContent,
    });
    contents.keys.push(keyOf(await decrypt(info, reading, (plain) => PrivateKeyInfo.fromBER(plain))));
  }
}

function keyOf(info: PrivateKeyInfo): KeyObject {
  const key = readKey(new Uint8Array(info.toSchema().toBER()), 'pkcs8');
  if (key === undefined) throw new Unreadable('its PKCS#12 file has a private key that cannot be read');
  if (typeof key === 'string') throw new Unreadable(key);
  return key;
}

/** A wrong password is known by what comes out: a wrong padding, or no structure. */
async function decrypt<T>(
  info: EncryptedContentInfo,
  reading: Reading,
  read: (plain: ArrayBuffer) => T,
): Promise<T> {
  spend(info.contentEncryptionAlgorithm, reading);
  try {
    return read(await plainOf(info, reading.password));
  } catch (error) {
    if (error instanceof UnknownCipher) throw new Unreadable(unknownCipher);
    throw new Unreadable(
      'its PKCS#12 file cannot be decrypted: is the file whole, and the key password that of the file?',
    );
  }
}

function plainOf(info: EncryptedContentInfo, password: string): Promise<ArrayBuffer> | ArrayBuffer {
  const { contentEncryptionAlgorithm: algorithm } = info;
  if (!isAes(algorithm)) return decryptOld(algorithm, info.getEncryptedContent(), password);
  const encrypted = new EncryptedData({ encryptedContentInfo: info });
  return encrypted.decrypt({ password: Uint8Array.from(Buffer.from(password)).buffer });
}

const unknownCipher =
  'its PKCS#12 file is encrypted in a way that is not known here; known are AES (PBES2), 3DES and RC2 with 40 bits';

function spend(algorithm: AlgorithmIdentifier, reading: Reading): void {
  const work = workOf(algorithm);
  if (work === undefined) throw new Unreadable(unknownCipher);
  reading.work -= work;
  if (reading.work < 0) throw new Unreadable(`its PKCS#12 file ${tooMuchWork}`);
}

/** A string of bytes; Windows writes it in pieces. */
function octets(content: unknown): ArrayBuffer {
  if (!(content instanceof OctetString)) throw new TypeError('no string of bytes');
  return content.getValue();
}
