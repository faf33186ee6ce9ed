// What an editor of a namespace can put into a Secret so that reading it takes minutes. On rounds like these the test itself would
// run out of time if anything were derived.
import { Constructed, fromBER, Integer, OctetString, type BaseBlock } from 'asn1js';
import { beforeAll, describe, expect, it } from 'vitest';
import { bytes, int, oid, pem, sequence } from '../../../../test/asn1.ts';
import {
  encryptKey,
  makeCertificate,
  makePfx,
  openssl,
  whyNoCertificates,
  type Made,
} from '../../../../test/certificates.ts';
import { readPem } from './pem.ts';
import { readPfx } from './pfx.ts';

let rsa: Made;
beforeAll(() => {
  if (whyNoCertificates === undefined) rsa = makeCertificate('rsa');
});

const most = 0x7fff_ffff;
const aes = () => sequence(oid('2.16.840.1.101.3.4.1.42'), bytes(16));
const pbes2 = (id: string, ...parameters: BaseBlock[]) =>
  sequence(oid('1.2.840.113549.1.5.13'), sequence(sequence(oid(id), sequence(...parameters)), aes()));
const pbkdf2 = (...parameters: BaseBlock[]) => pbes2('1.2.840.113549.1.5.12', ...parameters);
const scrypt = (...parameters: BaseBlock[]) => pbes2('1.3.6.1.4.1.11591.4.11', ...parameters);
const encryptedKey = (algorithm: BaseBlock) =>
  pem('ENCRYPTED PRIVATE KEY', sequence(algorithm, bytes(1232)).toBER());
const huge = new Integer({ valueHex: new Uint8Array(200).fill(0x7f).buffer });

describe.skipIf(whyNoCertificates !== undefined)('an encrypted PEM', () => {
  it.each<[string, BaseBlock]>([
    ['40 million rounds of PBKDF2', pbkdf2(bytes(8), int(40_000_000))],
    ['the most rounds of PBKDF2', pbkdf2(bytes(8), int(most))],
    ['rounds of 1,600 bits', pbkdf2(bytes(8), huge)],
    ['rounds that are negative', pbkdf2(bytes(8), int(-5))],
    ['no rounds', pbkdf2(bytes(8))],
    ['a salt of 30 kB', pbkdf2(bytes(30_000), int(2048))],
    ['a key of any length', pbkdf2(bytes(8), int(2048), int(most))],
    [
      'the most rounds of an old cipher',
      sequence(oid('1.2.840.113549.1.12.1.3'), sequence(bytes(8), int(most))),
    ],
    ['the most rounds of PBES1', sequence(oid('1.2.840.113549.1.5.3'), sequence(bytes(8), int(most)))],
    ['scrypt with the largest N', scrypt(bytes(8), int(2 ** 30), int(8), int(1))],
    ['scrypt with the largest r', scrypt(bytes(8), int(2), int(2 ** 29), int(1))],
    ['scrypt with the largest p', scrypt(bytes(8), int(2 ** 14), int(8), int(2 ** 26))],
  ])('with %s is refused before anything is derived', (_, algorithm) => {
    expect(readPem(encryptedKey(algorithm) + rsa.certificate, 'p')).toMatch(
      /takes more work to decrypt.*rounds/,
    );
  });

  it('encrypted in a way that is not known is refused', () => {
    const algorithm = pbes2('1.2.3.4', bytes(8), int(most));
    expect(readPem(encryptedKey(algorithm) + rsa.certificate, 'p')).toMatch(/not known/);
  });

  it('with rounds and scrypt of today is read', () => {
    for (const more of [['-iter', '600000'], ['-scrypt'], ['-v1', 'PBE-SHA1-3DES']])
      expect(readPem(encryptKey(rsa.key, 'p', ...more) + rsa.certificate, 'p')).toMatchObject({
        chain: [{}],
      });
  });
});

describe.skipIf(whyNoCertificates !== undefined)('PKCS#12', () => {
  /** The file with another count of rounds wherever one of 4321 stands. */
  const withRounds = (file: Buffer, count: number) => {
    const [small, large] = [int(4321), int(count)].map((one) => Buffer.from(one.toBER()));
    // Only counts of four bytes fit in place.
    const { result } = fromBER(file);
    const replace = (block: BaseBlock): BaseBlock => {
      if (block instanceof Integer && Buffer.from(block.toBER()).equals(small!))
        return fromBER(large!).result;
      if (block instanceof OctetString) return inString(block, replace);
      if (block instanceof Constructed) block.valueBlock.value = block.valueBlock.value.map(replace);
      return block;
    };
    return Buffer.from(replace(result).toBER());
  };
  const inString = (block: OctetString, replace: (block: BaseBlock) => BaseBlock) => {
    const content = block.getValue();
    // What begins like a sequence of this length is one.
    if (Buffer.from(content, 0, 2).toString('hex') !== '3082') return block;
    if (Buffer.from(content).readUInt16BE(2) !== content.byteLength - 4) return block;
    return new OctetString({ valueHex: replace(fromBER(content).result).toBER() });
  };

  it.each([
    [[]],
    [['-legacy']],
    [['-certpbe', 'NONE']],
    [['-keypbe', 'NONE']],
    [['-keypbe', 'NONE', '-certpbe', 'NONE']],
  ])(
    'with the most rounds for key, content or MAC is refused before anything is derived %j',
    async (more) => {
      const file = makePfx(rsa, 'p', '-iter', '4321', ...more);
      expect(await readPfx(file, 'p')).toMatchObject({ chain: [{}] });
      expect(await readPfx(withRounds(file, most), 'p')).toMatch(/takes more work to decrypt.*rounds/);
      expect(await readPfx(withRounds(file, -5), 'p')).toMatch(/takes more work to decrypt.*rounds/);
    },
  );

  it('with many keys, each within the limit, is refused when all together are over it', async () => {
    const more = ['-keypbe', 'AES-256-CBC', '-certpbe', 'AES-256-CBC', '-iter', '600000'];
    expect(await readPfx(makePfx(rsa, 'p', ...more), 'p')).toMatch(/takes more work to decrypt/);
  });

  it('nested deeper than any file is no file', async () => {
    let nested = Buffer.alloc(0);
    for (let depth = 0; depth < 5_000; depth += 1)
      nested = Buffer.concat([Buffer.from([0x30, 0x82, nested.length >> 8, nested.length & 0xff]), nested]);
    expect(await readPfx(nested, 'p')).toMatch(/no PKCS#12 file/);
  });
});

describe.skipIf(whyNoCertificates !== undefined)('a key', () => {
  const integer = (bits: number) => {
    const value = Buffer.alloc(bits / 8, 0x7f);
    return new Integer({ valueHex: Uint8Array.from(value).buffer });
  };
  const rsaKey = (n: number, e: number, prime = n / 2) =>
    sequence(int(0), integer(n), integer(e), integer(n), ...Array.from({ length: 5 }, () => integer(prime)));

  it.each([
    ['8192 bits', rsaKey(8192, 24)],
    ['16384 bits', rsaKey(16_384, 24)],
    ['a modulus of 8192 bits and short numbers beside it', rsaKey(8192, 24, 64)],
    ['an exponent of 30000 bits', rsaKey(2048, 30_000)],
  ])('RSA with %s is refused', (_, key) => {
    expect(readPem(pem('RSA PRIVATE KEY', key.toBER()) + rsa.certificate, '')).toMatch(/4096 bits/);
  });

  it('with a curve of its own making is refused', () => {
    const key = openssl([
      'ecparam',
      '-name',
      'brainpoolP512t1',
      '-genkey',
      '-noout',
      '-param_enc',
      'explicit',
    ]);
    expect(key).toContain('EC PRIVATE KEY');
    expect(readPem(key + rsa.certificate, '')).toMatch(/P-256/);
  });

  it('has at most 16 certificates', () => {
    expect(readPem(rsa.key + rsa.certificate.repeat(17), '')).toMatch(/more than 16/);
  });
});
