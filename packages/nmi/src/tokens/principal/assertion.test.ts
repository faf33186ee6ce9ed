import { constants, createHash, createVerify, generateKeyPairSync, X509Certificate } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import { makeCertificate, whyNoCertificates } from '../../../test/certificates.ts';
import { signAssertion } from './assertion.ts';
import { readCertificate, type Certificate } from './certificate.ts';

describe.skipIf(whyNoCertificates !== undefined)('an assertion with an elliptic curve', () => {
  it.each([
    ['p256', 'ES256', 'sha256'],
    ['p384', 'ES384', 'sha384'],
  ] as const)('%s: signed as %s, with the whole chain', async (kind, alg, hash) => {
    const { key, certificate } = makeCertificate(kind);
    const read = readCertificate(key, certificate) as Certificate;
    const made = await signAssertion(read, {
      now: 5_000,
      clientId: 'app',
      audience: 'https://login/token',
    });
    const [header = '', payload = '', signature = ''] = made.split('.');
    const parse = (part: string): unknown => JSON.parse(Buffer.from(part, 'base64url').toString());
    expect(parse(header)).toEqual({
      alg,
      typ: 'JWT',
      'x5t#S256': createHash('sha256').update(read.leaf.raw).digest('base64url'),
      x5c: [new X509Certificate(certificate).raw.toString('base64')],
    });
    expect(parse(payload)).toEqual({
      aud: 'https://login/token',
      iss: 'app',
      sub: 'app',
      jti: expect.stringMatching(/^[0-9a-f-]{36}$/) as string,
      nbf: 5,
      iat: 5,
      exp: 605,
    });
    const verify = createVerify(hash).update(`${header}.${payload}`);
    const given = { key: new X509Certificate(read.leaf.raw).publicKey, dsaEncoding: 'ieee-p1363' } as const;
    expect(verify.verify(given, Buffer.from(signature, 'base64url'))).toBe(true);
  });
});

describe.skipIf(whyNoCertificates !== undefined)('assertions', () => {
  it('with an RSA key are signed as PS256', async () => {
    const { key, certificate } = makeCertificate('rsa');
    const read = readCertificate(key, certificate) as Certificate;
    const made = await signAssertion(read, {
      now: 5_999,
      clientId: 'app',
      audience: 'there',
    });
    const [header = '', payload = '', signature = ''] = made.split('.');
    const parse = (part: string): unknown => JSON.parse(Buffer.from(part, 'base64url').toString());
    expect(parse(header)).toMatchObject({ alg: 'PS256' });
    expect(parse(payload)).toMatchObject({ aud: 'there', iss: 'app', sub: 'app', nbf: 5, exp: 605 });
    const given = {
      key: new X509Certificate(read.leaf.raw).publicKey,
      padding: constants.RSA_PKCS1_PSS_PADDING,
      saltLength: constants.RSA_PSS_SALTLEN_DIGEST,
    };
    const verify = createVerify('sha256').update(`${header}.${payload}`);
    expect(verify.verify(given, Buffer.from(signature, 'base64url'))).toBe(true);
  });

  it('with a key that is too short for it: told what is wrong with the key', async () => {
    const { privateKey: key } = generateKeyPairSync('rsa', { modulusLength: 512 });
    const leaf = { raw: Buffer.from('any') };
    const claims = { now: 0, clientId: 'app', audience: 'there' };
    await expect(signAssertion({ key, leaf, chain: [leaf] }, claims)).rejects.toMatchObject({
      code: 'misconfigured',
      message: expect.stringMatching(/2048 bits/) as string,
    });
  });
});
