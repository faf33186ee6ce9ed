// PKCS#12 files. Of node-forge only the ASN.1 reader and the ciphers are used: its own reader of these files knows no keys
// but RSA, and derives keys for as long as the file says. This file is loaded when the first one is to be read.
import { createPrivateKey, type KeyObject } from 'node:crypto';
import forge from 'node-forge';
import { assemble, type Certificate } from './certificate.ts';

type Asn1 = forge.asn1.Asn1;

const oids = {
  data: '1.2.840.113549.1.7.1',
  encryptedData: '1.2.840.113549.1.7.6',
  keyBag: '1.2.840.113549.1.12.10.1.1',
  shroudedKeyBag: '1.2.840.113549.1.12.10.1.2',
  certificateBag: '1.2.840.113549.1.12.10.1.3',
  pbes2: '1.2.840.113549.1.5.13',
} as const;

/** Deriving a key takes this process's one thread; the file says how often it goes round. OpenSSL and Windows say 2000. */
const mostRounds = 100_000;

interface Contents {
  readonly keys: KeyObject[];
  readonly certificates: Buffer[];
}

interface Reading {
  readonly password: string;
  /** Rounds that may still be spent on this file. */
  rounds: number;
}

/** For a person: nothing of the file's content is in it. */
class Unreadable extends Error {}

/** A text says what is wrong; it holds nothing of the input. */
export function readPfx(bytes: Buffer, password: string): Certificate | string {
  const reading: Reading = { password, rounds: mostRounds };
  let contents: Contents;
  try {
    contents = readContents(parse(bytes.toString('binary')), reading);
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

/** PFX ::= SEQUENCE { version, ContentInfo { data, [0] OCTET STRING { SEQUENCE OF ContentInfo } }, MacData }. */
function readContents(pfx: Asn1, reading: Reading): Contents {
  const contents: Contents = { keys: [], certificates: [] };
  const safes = parse(octets(at(pfx, 1, 1, 0)));
  for (const info of children(safes))
    for (const bag of bagsOf(info, reading)) readBag(bag, reading, contents);
  return contents;
}

function bagsOf(info: Asn1, reading: Reading): readonly Asn1[] {
  switch (oid(at(info, 0))) {
    case oids.data:
      return children(parse(octets(at(info, 1, 0))));
    case oids.encryptedData: {
      // EncryptedData ::= SEQUENCE { version, SEQUENCE { type, algorithm, [0] content } }
      const content = at(info, 1, 0, 1);
      return children(decrypt(at(content, 1), octets(at(content, 2)), reading));
    }
    default:
      throw new Unreadable('its PKCS#12 file is encrypted with a certificate; encrypt it with a password');
  }
}

/** SafeBag ::= SEQUENCE { type, [0] value, attributes }. */
function readBag(bag: Asn1, reading: Reading, contents: Contents): void {
  const value = at(bag, 1, 0);
  switch (oid(at(bag, 0))) {
    case oids.certificateBag:
      contents.certificates.push(Buffer.from(octets(at(value, 1, 0)), 'binary'));
      break;
    case oids.keyBag:
      contents.keys.push(keyOf(value));
      break;
    case oids.shroudedKeyBag:
      contents.keys.push(keyOf(decrypt(at(value, 0), octets(at(value, 1)), reading)));
      break;
  }
}

function keyOf(pkcs8: Asn1): KeyObject {
  const der = Buffer.from(forge.asn1.toDer(pkcs8).getBytes(), 'binary');
  return createPrivateKey({ key: der, format: 'der', type: 'pkcs8' });
}

function decrypt(algorithm: Asn1, encrypted: string, reading: Reading): Asn1 {
  const isModern = oid(at(algorithm, 0)) === oids.pbes2;
  // PBES2-params ::= SEQUENCE { SEQUENCE { PBKDF2, SEQUENCE { salt, rounds } } … }, older ones are SEQUENCE { salt, rounds }.
  const rounds = isModern ? at(algorithm, 1, 0, 1, 1) : at(algorithm, 1, 1);
  spend(rounds, reading);
  const { Class, Type, create } = forge.asn1;
  const shrouded = create(Class.UNIVERSAL, Type.SEQUENCE, true, [
    algorithm,
    create(Class.UNIVERSAL, Type.OCTETSTRING, false, encrypted),
  ]);
  const password = isModern ? forge.util.encodeUtf8(reading.password) : reading.password;
  const plain = attemptDecryption(shrouded, password);
  // A wrong password is known by what comes out: nothing, or no structure.
  if (!Array.isArray(plain?.value))
    throw new Unreadable(
      'its PKCS#12 file cannot be decrypted: is the file whole, and the key password that of the file?',
    );
  return plain;
}

function attemptDecryption(shrouded: Asn1, password: string): Asn1 | undefined {
  try {
    // This is null, whatever its type says, when the padding is wrong.
    return forge.pki.decryptPrivateKeyInfo(shrouded, password);
  } catch (error) {
    if (error instanceof Error && 'supportedOids' in error) throw new Unreadable(unknownCipher);
    return undefined;
  }
}

const unknownCipher =
  'its PKCS#12 file is encrypted in a way that is not known here; known are AES (PBES2), 3DES and RC2 with 40 bits';

function spend(rounds: Asn1, reading: Reading): void {
  const bytes = Buffer.from(octets(rounds), 'binary');
  const count = bytes.length > 4 ? Infinity : bytes.readUIntBE(0, bytes.length);
  reading.rounds -= count;
  if (reading.rounds < 0)
    throw new Unreadable(
      `its PKCS#12 file takes more than ${mostRounds} rounds to decrypt; export it with fewer`,
    );
}

function parse(der: string): Asn1 {
  return forge.asn1.fromDer(der, false);
}

/** The element at a path of positions. */
function at(element: Asn1, ...path: readonly number[]): Asn1 {
  let found: Asn1 | undefined = element;
  for (const position of path) found = found && children(found)[position];
  if (!found) throw new TypeError('the structure ends before');
  return found;
}

function children({ value }: Asn1): readonly Asn1[] {
  return Array.isArray(value) ? value : [];
}

/** A string of bytes; Windows writes it in pieces. */
function octets(element: Asn1): string {
  return Array.isArray(element.value) ? element.value.map(octets).join('') : element.value;
}

function oid(element: Asn1): string {
  return forge.asn1.derToOid(octets(element));
}
