// PKCS#12 files as no tool writes them by default.
import { OctetString, type BaseBlock } from 'asn1js';
import {
  AlgorithmIdentifier,
  AuthenticatedSafe,
  ContentInfo,
  PFX,
  PKCS8ShroudedKeyBag,
  PrivateKeyInfo,
  SafeBag,
  SafeContents,
  SecretBag,
} from 'pkijs';
import { beforeAll, describe, expect, it } from 'vitest';
import { bytes, int, oid, sequence } from '../../../../test/asn1.ts';
import { makeCertificate, makePfx, whyNoCertificates, type Made } from '../../../../test/certificates.ts';
import { readPfx } from './pfx.ts';

let rsa: Made;
let other: Made;
beforeAll(() => {
  if (whyNoCertificates !== undefined) return;
  rsa = makeCertificate('rsa');
  other = makeCertificate('rsa');
});

const data = '1.2.840.113549.1.7.1';
const plain = ['-keypbe', 'NONE', '-certpbe', 'NONE', '-nomac'];

const contentsOf = (file: Buffer): readonly ContentInfo[] => {
  const content = PFX.fromBER(file).authSafe.content as OctetString;
  return AuthenticatedSafe.fromBER(content.getValue()).safeContents;
};
const infoOf = (contentType: string, der: ArrayBuffer) =>
  new ContentInfo({ contentType, content: new OctetString({ valueHex: der }) });
const bagInfo = (bagId: string, bagValue: SafeBag['bagValue']) =>
  infoOf(data, new SafeContents({ safeBags: [new SafeBag({ bagId, bagValue })] }).toSchema().toBER());
/** A file of these contents. */
const fileOf = (...safeContents: readonly ContentInfo[]) => {
  const safe = new AuthenticatedSafe({ safeContents: [...safeContents] }).toSchema().toBER();
  return Buffer.from(sequence(int(3), infoOf(data, safe).toSchema() as BaseBlock).toBER());
};
const keyBag = (length: number) =>
  bagInfo(
    '1.2.840.113549.1.12.10.1.1',
    new PrivateKeyInfo({
      privateKeyAlgorithm: new AlgorithmIdentifier({ algorithmId: '1.3.101.112' }),
      privateKey: bytes(length),
    }),
  );
const shroudedBag = (derivation: string, ...parameters: BaseBlock[]) => {
  const aes = sequence(oid('2.16.840.1.101.3.4.1.42'), bytes(16));
  const algorithmParams = sequence(sequence(oid(derivation), sequence(...parameters)), aes);
  return bagInfo(
    '1.2.840.113549.1.12.10.1.2',
    new PKCS8ShroudedKeyBag({
      encryptionAlgorithm: new AlgorithmIdentifier({ algorithmId: '1.2.840.113549.1.5.13', algorithmParams }),
      encryptedData: bytes(1232),
    }),
  );
};

describe.skipIf(whyNoCertificates !== undefined)('a PKCS#12 file', () => {
  it('of several files’ contents is read as one', async () => {
    const [certificate] = contentsOf(makePfx(rsa, '', ...plain, '-nokeys'));
    const key = contentsOf(makePfx(rsa, '', ...plain, '-nocerts'));
    expect(await readPfx(fileOf(...key, certificate!), '')).toMatchObject({ chain: [{}] });
  });

  it('with several private keys is refused', async () => {
    const all = [rsa, other].flatMap((made) => contentsOf(makePfx(made, '', ...plain)));
    expect(await readPfx(fileOf(...all), '')).toMatch(/several private keys/);
  });

  it('may hold other things besides', async () => {
    const secret = new SecretBag({
      secretTypeId: '1.2.3',
      secretValue: new AlgorithmIdentifier({ algorithmId: '1.2.3' }),
    });
    const more = bagInfo('1.2.840.113549.1.12.10.1.5', secret);
    expect(await readPfx(fileOf(...contentsOf(makePfx(rsa, '', ...plain)), more), '')).toMatchObject({
      chain: [{}],
    });
  });

  it('with as many rounds for its MAC as are allowed is read', async () => {
    const content = PFX.fromBER(makePfx(rsa, '', ...plain)).authSafe.toSchema() as BaseBlock;
    const withMac = (rounds: number) => {
      const file = sequence(int(3), content, sequence(sequence(), bytes(8), int(rounds)));
      return readPfx(Buffer.from(file.toBER()), '');
    };
    expect(await withMac(1_000_001)).toMatch(/takes more work/);
    expect(await withMac(1_000_000)).not.toMatch(/takes more work/);
  });

  it('with 3DES by today’s derivation is read, also with a password beyond ASCII', async () => {
    const file = makePfx(rsa, 'päss', '-keypbe', 'DES-EDE3-CBC', '-certpbe', 'DES-EDE3-CBC');
    expect(await readPfx(file, 'päss')).toMatchObject({ chain: [{}] });
  });

  it.each([['-legacy'], ['-keypbe', 'PBE-SHA1-3DES']])(
    'with another password is told to look at it, whatever comes out (%s)',
    async (...more) => {
      const file = makePfx(rsa, 'right', ...more, '-certpbe', 'NONE');
      for (const wrong of ['', 'wrong', 'left', 'Right', 'right '])
        expect(await readPfx(file, wrong)).toMatch(/cannot be decrypted.*password/);
    },
  );
});

describe('a PKCS#12 file', () => {
  it('that is encrypted with a certificate is refused', async () => {
    const enveloped = infoOf('1.2.840.113549.1.7.3', sequence().toBER());
    expect(await readPfx(fileOf(enveloped), '')).toMatch(/encrypted with a certificate/);
  });

  it('whose contents are no bytes is none', async () => {
    const content = new ContentInfo({ contentType: data, content: int(5) });
    const file = sequence(int(3), content.toSchema());
    expect(await readPfx(Buffer.from(file.toBER()), '')).toMatch(/no PKCS#12 file/);
  });

  it('with a private key that is none says so', async () => {
    expect(await readPfx(fileOf(keyBag(100)), '')).toBe(
      'its PKCS#12 file has a private key that cannot be read',
    );
  });

  it('with a private key that is too long says so', async () => {
    expect(await readPfx(fileOf(keyBag(5_000)), '')).toMatch(/longer than an RSA key of 4096 bits/);
  });

  it('with a derivation that is not known says which ways are known', async () => {
    const file = fileOf(shroudedBag('1.2.3.4', bytes(8), int(2_048)));
    expect(await readPfx(file, 'p')).toMatch(/in a way that is not known here.*AES/);
  });

  it('that takes all the work that is allowed is tried', async () => {
    // N·r·p of scrypt, by which a file cannot be decrypted here.
    const scrypt = (p: number) => shroudedBag('1.3.6.1.4.1.11591.4.11', bytes(8), int(64), int(125), int(p));
    expect(await readPfx(fileOf(scrypt(125)), 'p')).toMatch(/cannot be decrypted/);
    expect(await readPfx(fileOf(scrypt(126)), 'p')).toMatch(/takes more work/);
  });
});
