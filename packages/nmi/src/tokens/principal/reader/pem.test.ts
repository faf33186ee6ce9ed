import { createPrivateKey, generateKeyPairSync } from 'node:crypto';
import { Integer } from 'asn1js';
import { beforeAll, describe, expect, it } from 'vitest';
import { bytes, int, oid, pem, sequence } from '../../../../test/asn1.ts';
import { makeCertificate, whyNoCertificates, type Made } from '../../../../test/certificates.ts';
import { readKey } from './certificate.ts';
import { readPem } from './pem.ts';

let rsa: Made;
let elliptic: Made;
beforeAll(() => {
  if (whyNoCertificates !== undefined) return;
  rsa = makeCertificate('rsa');
  elliptic = makeCertificate('p256');
});

/** With numbers that are no primes of each other: only their sizes are looked at before its certificate. */
const rsaKeyOf = (bits: number) => {
  const whole = Buffer.alloc(Math.ceil(bits / 8) + 1, 0xff);
  whole[0] = 0;
  whole[1] = bits % 8 === 0 ? 0xff : (1 << (bits % 8)) - 1;
  const large = new Integer({ valueHex: Uint8Array.from(whole).buffer });
  const half = new Integer({ valueHex: new Uint8Array(bits / 16).fill(0x7f).buffer });
  const key = sequence(int(0), large, int(65_537), large, ...Array.from({ length: 5 }, () => half));
  return pem('RSA PRIVATE KEY', key.toBER());
};

it('a key has at most 4096 bytes', () => {
  expect(readKey(Buffer.alloc(4096), 'pkcs8')).toBeUndefined();
  expect(readKey(Buffer.alloc(4097), 'pkcs8')).toMatch(/longer than an RSA key of 4096 bits/);
});

it('what claims to be an encrypted key and is none is not read', () => {
  expect(readPem(pem('ENCRYPTED PRIVATE KEY', Buffer.from('none')), 'p')).toMatch(
    /private key cannot be read/,
  );
});

it('a key that takes all the work that is allowed is tried', () => {
  // N·r·p is a million; OpenSSL refuses it for its memory before it derives anything.
  const derivation = sequence(
    oid('1.3.6.1.4.1.11591.4.11'),
    sequence(bytes(8), int(64), int(15_625), int(1)),
  );
  const algorithm = sequence(
    oid('1.2.840.113549.1.5.13'),
    sequence(derivation, sequence(oid('2.16.840.1.101.3.4.1.42'), bytes(16))),
  );
  const text = pem('ENCRYPTED PRIVATE KEY', sequence(algorithm, bytes(1232)).toBER());
  expect(readPem(text, 'p')).toMatch(/private key cannot be read/);
});

describe.skipIf(whyNoCertificates !== undefined)('a PEM', () => {
  it('is read with a key in PKCS#1 or SEC 1 form', () => {
    for (const [made, type] of [
      [rsa, 'pkcs1'],
      [elliptic, 'sec1'],
    ] as const) {
      const key = createPrivateKey(made.key).export({ type, format: 'pem' }).toString();
      expect(key).toMatch(/BEGIN (RSA|EC) PRIVATE KEY/);
      expect(readPem(key + made.certificate, '')).toMatchObject({ chain: [{}] });
    }
  });

  it('is read with 16 certificates', () => {
    expect(readPem(rsa.key + rsa.certificate.repeat(16), '')).toMatchObject({ leaf: {} });
  });

  it('is not read with a certificate that is none, before or after the good one', () => {
    const broken = pem('CERTIFICATE', Buffer.from('none'));
    for (const certificates of [broken + rsa.certificate, rsa.certificate + broken])
      expect(readPem(rsa.key + certificates, '')).toBe('it has no certificate that can be read');
  });

  it('may have an RSA key of 4096 bits, no longer one', () => {
    expect(readPem(rsaKeyOf(4096) + rsa.certificate, '')).toMatch(/none of its certificates/);
    expect(readPem(rsaKeyOf(4104) + rsa.certificate, '')).toMatch(/longer than an RSA key of 4096 bits/);
  });

  it('with another kind of key is told which kinds are taken', () => {
    const key = generateKeyPairSync('ed25519').privateKey.export({ type: 'pkcs8', format: 'pem' });
    expect(readPem(key.toString() + rsa.certificate, '')).toBe(
      'its private key is neither RSA nor an elliptic curve',
    );
  });
});
