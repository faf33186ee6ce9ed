// What it takes to derive a key from a password, read from the ASN.1 before anything is derived.
import { Integer, ObjectIdentifier, OctetString, Sequence, type BaseBlock } from 'asn1js';
import type { AlgorithmIdentifier } from 'pkijs';

/** For one credential: in rounds of PBKDF2, of which a processor of today does a million in half a second. */
export const mostWork = 1_000_000;
/** The old ciphers' derivation is JavaScript, ten times as slow. */
const oldFactor = 10;
const longestSalt = 1024;
const longestKey = 64;

export const tooMuchWork =
  `takes more work to decrypt than ${mostWork} rounds of PBKDF2, ${mostWork / oldFactor} rounds of an old cipher or ` +
  'scrypt with N·r·p of a million; encrypt it with fewer rounds';

const pbes2 = '1.2.840.113549.1.5.13';
const pbkdf2 = '1.2.840.113549.1.5.12';
const scrypt = '1.3.6.1.4.1.11591.4.11';
/** PBES1 and the six of PKCS#12. */
const old = /^1\.2\.840\.113549\.1\.(5\.(1|3|4|6|10|11)|12\.1\.[1-6])$/;

/** In rounds of PBKDF2; undefined for a way of encryption that is not known. */
export function workOf({ algorithmId, algorithmParams }: AlgorithmIdentifier): number | undefined {
  const parameters = elementsOf(algorithmParams);
  if (old.test(algorithmId)) return oldFactor * roundsOf(parameters);
  if (algorithmId !== pbes2) return undefined;
  // PBES2-params ::= SEQUENCE { SEQUENCE { derivation, its parameters }, cipher }
  const [derivation, own] = elementsOf(parameters[0]);
  switch (oidOf(derivation)) {
    case pbkdf2:
      return roundsOf(elementsOf(own));
    case scrypt:
      return scryptWork(elementsOf(own));
    default:
      return undefined;
  }
}

/** The rounds of a PKCS#12 file's MAC. PFX ::= SEQUENCE { version, content, SEQUENCE { digest, salt, rounds if stated } if there is a MAC }. */
export function macWork(pfx: BaseBlock): number {
  const [, , rounds] = elementsOf(elementsOf(pfx)[2]);
  return rounds === undefined ? 1 : numberOf(rounds);
}

/** PBES2 with AES-CBC: what pkijs can decrypt. */
export function isAes({ algorithmId, algorithmParams }: AlgorithmIdentifier): boolean {
  const [cipher] = elementsOf(elementsOf(algorithmParams)[1]);
  return algorithmId === pbes2 && /^2\.16\.840\.1\.101\.3\.4\.1\.(2|22|42)$/.test(oidOf(cipher));
}

/** SEQUENCE { salt, rounds, length of the key if stated, … }. */
function roundsOf([salt, rounds, keyLength]: readonly BaseBlock[]): number {
  const isLong = keyLength instanceof Integer && numberOf(keyLength) > longestKey;
  return isLong || isLongSalt(salt) ? Infinity : numberOf(rounds);
}

/** SEQUENCE { salt, N, r, p, length of the key if stated }. Memory, 128·N·r bytes, is bounded by OpenSSL: 32 MiB. */
function scryptWork([salt, n, r, p, keyLength]: readonly BaseBlock[]): number {
  const isLong = keyLength instanceof Integer && numberOf(keyLength) > longestKey;
  return isLong || isLongSalt(salt) ? Infinity : numberOf(n) * numberOf(r) * numberOf(p);
}

function isLongSalt(salt: BaseBlock | undefined): boolean {
  return !(salt instanceof OctetString) || salt.getValue().byteLength > longestSalt;
}

function elementsOf(element: unknown): readonly BaseBlock[] {
  return element instanceof Sequence ? element.valueBlock.value : [];
}

function oidOf(element: BaseBlock | undefined): string {
  return element instanceof ObjectIdentifier ? element.valueBlock.toString() : '';
}

/** Anything but a small positive integer is more than any limit. */
function numberOf(element: BaseBlock | undefined): number {
  if (!(element instanceof Integer)) return Infinity;
  const bytes = element.valueBlock.valueHexView;
  const isNegative = ((bytes[0] ?? 0) & 0x80) !== 0;
  if (isNegative || bytes.length === 0 || bytes.length > 5) return Infinity;
  return bytes.reduce((sum, byte) => sum * 256 + byte, 0);
}
