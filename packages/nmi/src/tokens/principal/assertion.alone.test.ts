import { constants, createVerify, generateKeyPairSync, X509Certificate } from 'node:crypto';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { describe, expect, it } from 'vitest';
import { makeCertificate, whyNoCertificates } from '../../../test/certificates.ts';
import { createSigning } from './assertion.ts';
import { readPem } from './reader/pem.ts';
import type { ReadCertificate } from './reader/certificate.ts';

describe.skipIf(whyNoCertificates !== undefined)('an assertion with an elliptic curve', () => {
  it.each([
    ['p256', 'ES256', 'sha256'],
    ['p384', 'ES384', 'sha384'],
  ] as const)('%s: signed as %s, with the whole chain', async (kind, alg, hash) => {
    const { key, certificate } = makeCertificate(kind);
    const read = readPem(`${key}${certificate}`, '') as ReadCertificate;
    const made = await createSigning({ now: () => 5_000 })(read, {
      clientId: 'app',
      audience: 'https://login/token',
    });
    const [header = '', payload = '', signature = ''] = made.split('.');
    const parse = (part: string): unknown => JSON.parse(Buffer.from(part, 'base64url').toString());
    expect(parse(header)).toEqual({
      alg,
      typ: 'JWT',
      'x5t#S256': Buffer.from(read.leaf.fingerprint256.replaceAll(':', ''), 'hex').toString('base64url'),
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
    const given = { key: read.leaf.publicKey, dsaEncoding: 'ieee-p1363' } as const;
    expect(verify.verify(given, Buffer.from(signature, 'base64url'))).toBe(true);
  });
});

describe.skipIf(whyNoCertificates !== undefined)('assertions', () => {
  it('with an RSA key are signed as PS256', async () => {
    const { key, certificate } = makeCertificate('rsa');
    const read = readPem(`${key}${certificate}`, '') as ReadCertificate;
    const made = await createSigning({ now: () => 5_999 })(read, {
      clientId: 'app',
      audience: 'there',
    });
    const [header = '', payload = '', signature = ''] = made.split('.');
    const parse = (part: string): unknown => JSON.parse(Buffer.from(part, 'base64url').toString());
    expect(parse(header)).toMatchObject({ alg: 'PS256' });
    expect(parse(payload)).toMatchObject({ aud: 'there', iss: 'app', sub: 'app', nbf: 5, exp: 605 });
    const given = {
      key: read.leaf.publicKey,
      padding: constants.RSA_PKCS1_PSS_PADDING,
      saltLength: constants.RSA_PSS_SALTLEN_DIGEST,
    };
    const verify = createVerify('sha256').update(`${header}.${payload}`);
    expect(verify.verify(given, Buffer.from(signature, 'base64url'))).toBe(true);
  });

  it('are signed once for an application and an endpoint, until half of their life is over', async () => {
    const { key, certificate } = makeCertificate('rsa');
    const read = readPem(`${key}${certificate}`, '') as ReadCertificate;
    let now = 0;
    const sign = createSigning({ now: () => now });
    const ask = (clientId = 'app', audience = 'https://login/token') => sign(read, { clientId, audience });
    const first = await ask();
    now += 299_000;
    expect(await ask()).toBe(first);
    expect(await ask('other')).not.toBe(first);
    expect(await ask('app', 'https://login/other')).not.toBe(first);
    now += 1_000;
    const second = await ask();
    expect(second).not.toBe(first);
    // The machine's clock was set back.
    now -= 400_000;
    expect(await ask()).not.toBe(second);
  });

  it('of a certificate a bounded number is kept: an AzureIdentity can name any application', async () => {
    const { key, certificate } = makeCertificate('p256');
    const read = readPem(`${key}${certificate}`, '') as ReadCertificate;
    const sign = createSigning({ now: () => 0 });
    const ask = (clientId: string) => sign(read, { clientId, audience: 'https://login/token' });
    const [first, second] = [await ask('app-0'), await ask('app-1')];
    for (let n = 2; n < 32; n += 1) await ask(`app-${n}`);
    expect(await ask('app-0')).toBe(first);
    await ask('app-32');
    expect(await ask('app-1')).toBe(second);
    expect(await ask('app-0')).not.toBe(first);
  });
});

it('attack: 16 certificates with chains of 48 KiB, each for 32 applications, take a few MiB of heap', async () => {
  setFlagsFromString('--expose-gc');
  const collect = runInNewContext('gc') as () => void;
  const { privateKey: key } = generateKeyPairSync('ec', { namedCurve: 'P-256' });
  const raw = Buffer.alloc(3 * 1024);
  const chain = Array.from({ length: 16 }, () => ({ raw }));
  const certificates = Array.from({ length: 16 }, () => ({ key, leaf: { raw }, chain }));
  const sign = createSigning({ now: () => 0 });
  collect();
  const before = process.memoryUsage().heapUsed;
  for (const certificate of certificates)
    for (let n = 0; n < 32; n += 1) await sign(certificate, { clientId: `app-${n}`, audience: 'there' });
  collect();
  const mebibytes = (process.memoryUsage().heapUsed - before) / 1024 / 1024;
  expect(mebibytes).toBeLessThan(8);
  expect(await sign(certificates[0]!, { clientId: 'app-0', audience: 'there' })).toContain('.');
});
