// What pkijs and WebCrypto do not decrypt: RC2 with 40 bits and 3DES, as Windows and `openssl pkcs12 -legacy` write them.
import forge from 'node-forge';
import { PKCS8ShroudedKeyBag, type AlgorithmIdentifier } from 'pkijs';
import { OctetString } from 'asn1js';

export class UnknownCipher extends Error {}

const pbes2 = '1.2.840.113549.1.5.13';

/** Throws when the padding is wrong. */
export function decryptOld(
  algorithm: AlgorithmIdentifier,
  encrypted: ArrayBuffer,
  password: string,
): ArrayBuffer {
  const shrouded = new PKCS8ShroudedKeyBag({
    encryptionAlgorithm: algorithm,
    encryptedData: new OctetString({ valueHex: encrypted }),
  });
  const der = Buffer.from(shrouded.toSchema().toBER()).toString('binary');
  const text = algorithm.algorithmId === pbes2 ? forge.util.encodeUtf8(password) : password;
  const plain = decryptionOf(forge.asn1.fromDer(der), text);
  if (plain === null) throw new TypeError('the padding is wrong');
  return Uint8Array.from(Buffer.from(forge.asn1.toDer(plain).getBytes(), 'binary')).buffer;
}

function decryptionOf(shrouded: forge.asn1.Asn1, password: string): forge.asn1.Asn1 | null {
  try {
    // This is null, whatever its type says, when the padding is wrong.
    return forge.pki.decryptPrivateKeyInfo(shrouded, password);
  } catch (error) {
    if (error instanceof Error && 'supportedOids' in error) throw new UnknownCipher();
    throw error;
  }
}
