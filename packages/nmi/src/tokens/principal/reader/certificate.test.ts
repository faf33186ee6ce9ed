import { generateKeyPairSync, X509Certificate } from 'node:crypto';
import { beforeAll, describe, expect, it } from 'vitest';
import {
  encryptKey,
  makeCertificate,
  makePfx,
  whyNoCertificates,
  type Made,
} from '../../../../test/certificates.ts';
import { readRequestOf, parseReadResponse, type ReadRequest } from '../reader-messages.ts';
import { responseTo } from './respond.ts';
import { readKey, type ReadCertificate as Certificate } from './certificate.ts';
import { readPem } from './pem.ts';
import { readPfx } from './pfx.ts';

let rsa: Made;
let issued: Made;
let elliptic: Made;
beforeAll(() => {
  if (whyNoCertificates !== undefined) return;
  rsa = makeCertificate('rsa');
  issued = makeCertificate('rsa', { isIssued: true });
  elliptic = makeCertificate('p256');
});

const subjects = (certificate: Certificate | string) =>
  typeof certificate === 'string' ? certificate : certificate.chain.map(({ subject }) => subject);

describe.skipIf(whyNoCertificates !== undefined)('W-C11: PKCS#12 files', () => {
  it.each<[string, readonly string[]]>([
    ['with today’s ciphers (PBES2 and AES)', []],
    [
      'with AES of 128 bits and a MAC of SHA-1',
      ['-keypbe', 'AES-128-CBC', '-certpbe', 'AES-128-CBC', '-macalg', 'sha1'],
    ],
    ['with the ciphers of old (RC2 and 3DES)', ['-legacy']],
    ['with 3DES', ['-keypbe', 'PBE-SHA1-3DES', '-certpbe', 'PBE-SHA1-3DES']],
    ['with certificates in the clear', ['-certpbe', 'NONE']],
    ['with nothing encrypted', ['-keypbe', 'NONE', '-certpbe', 'NONE']],
    ['without MAC', ['-nomac']],
  ])('%s', async (_, more) => {
    const read = (await readPfx(makePfx(rsa, 'päss wörd', ...more), 'päss wörd')) as Certificate;
    expect(read.leaf.raw).toEqual(new X509Certificate(rsa.certificate).raw);
    expect(read.leaf.checkPrivateKey(read.key)).toBe(true);
  });

  it('without a password', async () => {
    expect(subjects(await readPfx(makePfx(rsa, ''), ''))).toEqual(['CN=leaf']);
  });

  it('with their chain, in order, whatever order the file has', async () => {
    const shuffled = { ...issued, issuers: issued.issuers.toReversed() };
    expect(subjects(await readPfx(makePfx(shuffled, 'p'), 'p'))).toEqual(['CN=leaf', 'CN=middle', 'CN=root']);
    expect(subjects(await readPfx(makePfx(issued, 'p', '-legacy'), 'p'))).toHaveLength(3);
  });

  it.each([[[]], [['-legacy']]])('with elliptic curves %j', async (more) => {
    const read = (await readPfx(makePfx(elliptic, 'p', ...more), 'p')) as Certificate;
    expect(read.key.asymmetricKeyType).toBe('ec');
  });

  it.each([[[]], [['-legacy']]])('with another password: told what to look at %j', async (more) => {
    expect(await readPfx(makePfx(rsa, 'right', ...more), 'wrong')).toMatch(/password/);
  });

  it('that would take this process’s time are not decrypted', async () => {
    const more = ['-keypbe', 'PBE-SHA1-3DES', '-certpbe', 'PBE-SHA1-3DES', '-iter', '90000'];
    expect(await readPfx(makePfx(rsa, 'p', ...more), 'p')).toMatch(/rounds/);
  });

  it('that are none', async () => {
    const whole = makePfx(rsa, 'p');
    for (const bytes of [
      Buffer.alloc(0),
      Buffer.from('hello'),
      whole.subarray(0, 700),
      Buffer.alloc(100, 0x30),
    ])
      expect(await readPfx(bytes, 'p')).toMatch(/no PKCS#12|is the file whole/);
    for (let position = 0; position < whole.length; position += 97) {
      const broken = Buffer.from(whole);
      broken[position] = (broken[position] ?? 0) ^ 0xff;
      await expect(readPfx(broken, 'p')).resolves.toBeDefined();
    }
  });

  it('encrypted in an unknown way: told which ways are known', async () => {
    const more = ['-keypbe', 'CAMELLIA-256-CBC', '-certpbe', 'CAMELLIA-256-CBC'];
    expect(await readPfx(makePfx(rsa, 'p', ...more), 'p')).toMatch(/AES/);
  });

  it('without a private key', async () => {
    expect(await readPfx(makePfx(rsa, 'p', '-nokeys'), 'p')).toMatch(/no private key/);
  });
});

describe.skipIf(whyNoCertificates !== undefined)('W-C11: PEM', () => {
  it('with a chain, the key before or after', () => {
    const chain = [...issued.issuers, issued.certificate].join('\n');
    expect(subjects(readPem(`${issued.key}${chain}`, ''))).toEqual(['CN=leaf', 'CN=middle', 'CN=root']);
    expect(subjects(readPem(`${chain}\n${issued.key}`, ''))).toHaveLength(3);
  });

  it('with an encrypted key', () => {
    const text = `${rsa.certificate}${encryptKey(rsa.key, 'right')}`;
    expect(subjects(readPem(text, 'right'))).toEqual(['CN=leaf']);
    expect(readPem(text, 'wrong')).toMatch(/password/);
    expect(readPem(text, '')).toMatch(/password/);
  });

  it('with what does not belong together', () => {
    expect(readPem(`${elliptic.certificate}${rsa.key}`, '')).toMatch(/none of its certificates/);
    expect(readPem(rsa.key, '')).toMatch(/no certificate/);
    expect(readPem(rsa.certificate, '')).toMatch(/no private key/);
    const { key, certificate } = makeCertificate('p521');
    expect(readPem(`${certificate}${key}`, '')).toMatch(/P-256/);
  });
});

describe.skipIf(whyNoCertificates !== undefined)('the answer of the program that reads certificates', () => {
  it.each(['pem', 'pfx'] as const)('to %s has the key and the chain, the leaf first', async (kind) => {
    const stored =
      kind === 'pem'
        ? { kind, text: issued.key + issued.certificate + issued.issuers.join(''), password: '' }
        : { kind, bytes: makePfx(issued, 'p'), password: 'p' };
    const answer = await responseTo(readRequestOf(stored) as ReadRequest);
    const read = parseReadResponse(JSON.stringify(answer));
    if (typeof read !== 'object') throw new Error(`nothing was read: ${read}`);
    const [leaf, ...others] = read.chain.map(({ raw }) => new X509Certificate(raw));
    expect(leaf?.raw).toEqual(new X509Certificate(issued.certificate).raw);
    expect(leaf?.checkPrivateKey(read.key)).toBe(true);
    expect(others).toHaveLength(issued.issuers.length);
  });

  it.each(['pem', 'pfx'] as const)('to %s that holds nothing says what is wrong', async (kind) => {
    const answer = await responseTo({ kind, content: Buffer.from('none').toString('base64'), password: '' });
    expect(answer).toEqual({
      fault:
        kind === 'pem'
          ? 'it has no private key in PEM form'
          : 'its key certificate is no PKCS#12 file that can be read',
    });
  });
});

it('a key that is encrypted with an empty password is not read without a password', () => {
  const { privateKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' });
  const encrypted = { type: 'pkcs8', format: 'der', cipher: 'aes-256-cbc', passphrase: '' } as const;
  expect(readKey(privateKey.export(encrypted), 'pkcs8')).toBeUndefined();
  expect(readKey(privateKey.export({ type: 'pkcs8', format: 'der' }), 'pkcs8')).toMatchObject({
    type: 'private',
  });
});
