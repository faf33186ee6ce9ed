// Certificates as people and attackers write them, read by the openssl of this machine.
import { createPrivateKey, generateKeyPairSync, X509Certificate } from 'node:crypto';
import { systemClock } from '@pod-identity/kit/serve';
import { Constructed, fromBER, Integer, OctetString, type BaseBlock } from 'asn1js';
import { beforeAll, describe, expect, it } from 'vitest';
import { bytes, int, oid, pem, sequence } from '../../../test/asn1.ts';
import {
  encryptKey,
  makeCertificate,
  makePfx,
  openssl,
  whyNoCertificates,
  type Made,
} from '../../../test/certificates.ts';
import { readCertificate, type Certificate } from './certificate.ts';
import { createCertificateReader } from './certificate-reader.ts';
import { createOpenssl } from './openssl.ts';

let rsa: Made;
let issued: Made;
let elliptic: Made;
beforeAll(() => {
  if (whyNoCertificates !== undefined) return;
  rsa = makeCertificate('rsa');
  issued = makeCertificate('rsa', { isIssued: true });
  elliptic = makeCertificate('p256');
});

type Read = Promise<Certificate | string>;
/** The child is killed early, so that hostile files take no minutes here. */
const hasty = { after: (ms: number, bark: () => void) => systemClock.after(ms / 10, bark) };
const readerOf = (clock: Pick<typeof systemClock, 'after'>) =>
  createCertificateReader({ openssl: createOpenssl(clock), clock: systemClock });
const pfxOf = (
  bytesOfFile: Buffer,
  password: string,
  clock: Pick<typeof systemClock, 'after'> = systemClock,
): Read => readerOf(clock).read('a', { kind: 'pfx', bytes: bytesOfFile, password });
const pemOf = (text: string, password = '', clock: Pick<typeof systemClock, 'after'> = systemClock): Read =>
  readerOf(clock).read('a', { kind: 'pem', text, password });

const subjects = (certificate: Certificate | string) =>
  typeof certificate === 'string'
    ? certificate
    : certificate.chain.map(({ raw }) => new X509Certificate(raw).subject);

describe.skipIf(whyNoCertificates !== undefined)('W-C11: PKCS#12 files', () => {
  it.each<[string, readonly string[]]>([
    ['with today’s ciphers (PBES2 and AES)', []],
    ['with the ciphers of old (RC2 and 3DES)', ['-legacy']],
    ['with nothing encrypted', ['-keypbe', 'NONE', '-certpbe', 'NONE']],
    ['without MAC', ['-nomac']],
  ])('%s', async (_, more) => {
    const read = (await pfxOf(makePfx(rsa, 'päss wörd', ...more), 'päss wörd')) as Certificate;
    const leaf = new X509Certificate(read.leaf.raw);
    expect(leaf.raw).toEqual(new X509Certificate(rsa.certificate).raw);
    expect(leaf.checkPrivateKey(read.key)).toBe(true);
  });

  it('without a password', async () => {
    expect(subjects(await pfxOf(makePfx(rsa, ''), ''))).toEqual(['CN=leaf']);
    expect(
      subjects(await pfxOf(makePfx(rsa, '', '-keypbe', 'NONE', '-certpbe', 'NONE', '-nomac'), '')),
    ).toEqual(['CN=leaf']);
  });

  it('with their chain, in order, whatever order the file has', async () => {
    const shuffled = { ...issued, issuers: issued.issuers.toReversed() };
    expect(subjects(await pfxOf(makePfx(shuffled, 'p'), 'p'))).toEqual(['CN=leaf', 'CN=middle', 'CN=root']);
    expect(subjects(await pfxOf(makePfx(issued, 'p', '-legacy'), 'p'))).toHaveLength(3);
  });

  it.each([[[]], [['-legacy']]])('with elliptic curves %j', async (more) => {
    const read = (await pfxOf(makePfx(elliptic, 'p', ...more), 'p')) as Certificate;
    expect(read.key.asymmetricKeyType).toBe('ec');
  });

  it.each([[[]], [['-legacy']], [['-nomac']]])(
    'with another password: told what to look at %j',
    async (more) => {
      for (const wrong of ['', 'wrong', 'Right', 'right '])
        expect(await pfxOf(makePfx(rsa, 'right', ...more), wrong)).toMatch(/password/);
    },
  );

  it('that are none', async () => {
    const whole = makePfx(rsa, 'p');
    const none = [Buffer.alloc(0), Buffer.from('hello'), whole.subarray(0, 700), Buffer.alloc(100, 0x30)];
    for (const file of none) expect(await pfxOf(file, 'p')).toMatch(/no PKCS#12.*is the file whole/);
    for (let position = 0; position < whole.length; position += 197) {
      const broken = Buffer.from(whole);
      broken[position] = (broken[position] ?? 0) ^ 0xff;
      await expect(pfxOf(broken, 'p')).resolves.toBeDefined();
    }
  });

  it('without a private key', async () => {
    expect(await pfxOf(makePfx(rsa, 'p', '-nokeys'), 'p')).toMatch(/no private key/);
  });
});

describe.skipIf(whyNoCertificates !== undefined)('W-C11: PEM', () => {
  it('with a chain, the key before or after', async () => {
    const chain = [...issued.issuers, issued.certificate].join('\n');
    expect(subjects(await pemOf(`${issued.key}${chain}`))).toEqual(['CN=leaf', 'CN=middle', 'CN=root']);
    expect(subjects(await pemOf(`${chain}\n${issued.key}`))).toHaveLength(3);
  });

  it('with an encrypted key', async () => {
    const text = `${rsa.certificate}${encryptKey(rsa.key, 'right')}`;
    expect(subjects(await pemOf(text, 'right'))).toEqual(['CN=leaf']);
    for (const wrong of ['wrong', '']) expect(await pemOf(text, wrong)).toMatch(/password/);
  });

  it.each([[['-scrypt']], [['-v1', 'PBE-SHA1-RC2-40']]])(
    'with a key that is encrypted by %j',
    async (how) => {
      const key =
        how[1] === 'PBE-SHA1-RC2-40' ? [...how, '-provider', 'default', '-provider', 'legacy'] : how;
      expect(subjects(await pemOf(encryptKey(rsa.key, 'p', ...key) + rsa.certificate, 'p'))).toEqual([
        'CN=leaf',
      ]);
    },
  );

  it('with a key that is encrypted in PKCS#1 form', async () => {
    const how = { type: 'pkcs1', format: 'pem', cipher: 'aes-256-cbc', passphrase: 'p' } as const;
    const key = createPrivateKey(rsa.key).export(how).toString();
    expect(key).toContain('Proc-Type: 4,ENCRYPTED');
    expect(subjects(await pemOf(key + rsa.certificate, 'p'))).toEqual(['CN=leaf']);
    expect(await pemOf(key + rsa.certificate, 'wrong')).toMatch(/another password/);
  });

  it('with a key in PKCS#1 or SEC 1 form', async () => {
    for (const [made, type] of [
      [rsa, 'pkcs1'],
      [elliptic, 'sec1'],
    ] as const) {
      const key = createPrivateKey(made.key).export({ type, format: 'pem' }).toString();
      expect(key).toMatch(/BEGIN (RSA|EC) PRIVATE KEY/);
      expect(subjects(await pemOf(key + made.certificate))).toEqual(['CN=leaf']);
    }
  });

  it('with an elliptic key that has only its number', async () => {
    const { d = '' } = createPrivateKey(elliptic.key).export({ format: 'jwk' });
    const number = new OctetString({ valueHex: Uint8Array.from(Buffer.from(d, 'base64url')).buffer });
    const inner = new OctetString({ valueHex: sequence(int(1), number).toBER() });
    const name = sequence(oid('1.2.840.10045.2.1'), oid('1.2.840.10045.3.1.7'));
    const key = pem('PRIVATE KEY', sequence(int(0), name, inner).toBER());
    expect(subjects(await pemOf(key + elliptic.certificate))).toEqual(['CN=leaf']);
  });

  it('with what does not belong together', async () => {
    expect(await pemOf(`${elliptic.certificate}${rsa.key}`)).toMatch(/none of its certificates/);
    expect(await pemOf(rsa.key)).toMatch(/no certificate/);
    expect(await pemOf(rsa.certificate)).toMatch(/no private key/);
    const { key, certificate } = makeCertificate('p521');
    expect(await pemOf(`${certificate}${key}`)).toMatch(/P-256/);
  });

  it('with a certificate that is none, before or after the good one', async () => {
    const broken = pem('CERTIFICATE', Buffer.from('none'));
    for (const certificates of [broken + rsa.certificate, rsa.certificate + broken])
      expect(await pemOf(rsa.key + certificates)).toBe('it has no certificate that can be read');
  });

  it('with 16 certificates, no more', async () => {
    expect(await pemOf(rsa.key + rsa.certificate.repeat(16))).toMatchObject({ leaf: {} });
    expect(await pemOf(rsa.key + rsa.certificate.repeat(17))).toMatch(/more than 16/);
  });
});

const most = 0x7fff_ffff;
const huge = new Integer({ valueHex: new Uint8Array(200).fill(0x7f).buffer });
const unread = /fewer rounds|private key cannot be read|no PKCS#12/;

describe.skipIf(whyNoCertificates !== undefined)('attack: an encrypted PEM that takes minutes', () => {
  const aes = () => sequence(oid('2.16.840.1.101.3.4.1.42'), bytes(16));
  const pbes2 = (id: string, ...parameters: BaseBlock[]) =>
    sequence(oid('1.2.840.113549.1.5.13'), sequence(sequence(oid(id), sequence(...parameters)), aes()));
  const pbkdf2 = (...parameters: BaseBlock[]) => pbes2('1.2.840.113549.1.5.12', ...parameters);
  const scrypt = (...parameters: BaseBlock[]) => pbes2('1.3.6.1.4.1.11591.4.11', ...parameters);

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
    ['a derivation that is not known', pbes2('1.2.3.4', bytes(8), int(most))],
  ])('with %s is refused', async (_, algorithm) => {
    const key = pem('ENCRYPTED PRIVATE KEY', sequence(algorithm, bytes(1232)).toBER());
    expect(await pemOf(key + rsa.certificate, 'p', hasty)).toMatch(unread);
  });
});

describe.skipIf(whyNoCertificates !== undefined)('attack: PKCS#12', () => {
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
  ])('with the most rounds for key, content or MAC is refused %j', async (more) => {
    const file = makePfx(rsa, 'p', '-iter', '4321', ...more);
    expect(await pfxOf(file, 'p')).toMatchObject({ chain: [{}] });
    expect(await pfxOf(withRounds(file, most), 'p', hasty)).toMatch(unread);
    expect(await pfxOf(withRounds(file, -5), 'p', hasty)).toMatch(unread);
  });

  it('nested deeper than any file is no file', async () => {
    let nested = Buffer.alloc(0);
    for (let depth = 0; depth < 5_000; depth += 1)
      nested = Buffer.concat([Buffer.from([0x30, 0x82, nested.length >> 8, nested.length & 0xff]), nested]);
    expect(await pfxOf(nested, 'p')).toMatch(/no PKCS#12 file/);
  });
});

describe.skipIf(whyNoCertificates !== undefined)('attack: a key', () => {
  const integer = (bits: number) =>
    new Integer({ valueHex: Uint8Array.from(Buffer.alloc(bits / 8, 0x7f)).buffer });
  const rsaKey = (n: number, e: number, prime = n / 2) =>
    sequence(int(0), integer(n), integer(e), integer(n), ...Array.from({ length: 5 }, () => integer(prime)));
  /** As openssl prints a key. */
  const pkcs8 = (key: BaseBlock) =>
    pem(
      'PRIVATE KEY',
      sequence(
        int(0),
        fromBER(Buffer.from('300d06092a864886f70d0101010500', 'hex')).result,
        new OctetString({ valueHex: key.toBER() }),
      ).toBER(),
    );

  it.each([
    ['8192 bits', rsaKey(8192, 24)],
    ['16384 bits', rsaKey(16_384, 24)],
    ['a modulus of 8192 bits and short numbers beside it', rsaKey(8192, 24, 64)],
    ['an exponent of 30000 bits', rsaKey(2048, 30_000)],
    ['an exponent of 72 bits', rsaKey(2048, 72)],
    ['primes of 2104 bits', rsaKey(4096, 24, 2104)],
  ])('RSA with %s is refused, whatever openssl says of it', async (_, key) => {
    expect(readCertificate(pkcs8(key), rsa.certificate)).toMatch(/4096 bits/);
    expect(await pemOf(pem('RSA PRIVATE KEY', key.toBER()) + rsa.certificate)).toMatch(
      /4096 bits|cannot be read/,
    );
  });

  it('RSA with 4096 bits is not too long', () => {
    expect(readCertificate(pkcs8(rsaKey(4096, 64)), rsa.certificate)).toMatch(/none of its certificates/);
  });

  it('with a curve of its own making is refused', async () => {
    const curve = ['-name', 'brainpoolP512t1', '-genkey', '-noout', '-param_enc', 'explicit'];
    const key = openssl(['ecparam', ...curve]);
    expect(key).toContain('EC PRIVATE KEY');
    expect(await pemOf(key + rsa.certificate)).toMatch(/P-256/);
  });

  it('of another kind is refused', async () => {
    const key = generateKeyPairSync('ed25519').privateKey.export({ type: 'pkcs8', format: 'pem' });
    expect(await pemOf(key.toString() + rsa.certificate)).toMatch(/neither RSA nor of the elliptic curves/);
  });

  it('of an old kind, printed as a name in a PKCS#12 file, with the name of RSA in its first number, is refused before it is read here', async () => {
    const hex = (text: string) => Buffer.from(text, 'hex');
    /** A sequence of no stated length. */
    const open = (...parts: Buffer[]) => Buffer.concat([hex('3080'), ...parts, hex('0000')]);
    const numbers = [hex('0210300d06092a864886f70d01010105000b'), hex('020107'), hex('020103')];
    const dsa = open(hex('06072a8648ce380401'), open(...numbers));
    const key = open(hex('020100'), dsa, hex('0403020105')).toString('base64');
    const name = `-----BEGIN PRIVATE KEY-----${key}-----END PRIVATE KEY-----`;
    const file = makePfx(issued, 'p', '-nokeys', '-caname', name);
    expect(await pfxOf(file, 'p')).toMatch(/neither RSA nor of the elliptic curves/);
  });

  it('beside another one is refused', () => {
    expect(readCertificate(rsa.key + issued.key, rsa.certificate)).toMatch(/several private keys/);
  });

  it('that is none is refused', () => {
    const head = Buffer.from('3012020100300d06092a864886f70d0101010500', 'hex');
    expect(readCertificate(pem('PRIVATE KEY', head), rsa.certificate)).toBe('its private key cannot be read');
  });
});
