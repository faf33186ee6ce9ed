import { createVerify, X509Certificate } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import { makeCertificate, whyNoCertificates } from '../../../test/certificates.ts';
import { createAssertions, signAssertion } from './assertion.ts';
import { readPem } from './reader/pem.ts';
import type { ReadCertificate } from './reader/certificate.ts';

describe.skipIf(whyNoCertificates !== undefined)('an assertion with an elliptic curve', () => {
  it.each([
    ['p256', 'ES256', 'sha256'],
    ['p384', 'ES384', 'sha384'],
  ] as const)('%s: signed as %s, with the whole chain', async (kind, alg, hash) => {
    const { key, certificate } = makeCertificate(kind);
    const read = readPem(`${key}${certificate}`, '') as ReadCertificate;
    const claims = { clientId: 'app', audience: 'https://login/token', now: 5_000, id: 'one' };
    const [header = '', payload = '', signature = ''] = (await signAssertion(read, claims)).split('.');
    const parse = (part: string): unknown => JSON.parse(Buffer.from(part, 'base64url').toString());
    expect(parse(header)).toEqual({
      ...{ alg, typ: 'JWT' },
      'x5t#S256': Buffer.from(read.leaf.fingerprint256.replaceAll(':', ''), 'hex').toString('base64url'),
      x5c: [new X509Certificate(certificate).raw.toString('base64')],
    });
    expect(parse(payload)).toEqual({
      ...{ aud: 'https://login/token', iss: 'app', sub: 'app', jti: 'one' },
      ...{ nbf: 5, iat: 5, exp: 605 },
    });
    const verify = createVerify(hash).update(`${header}.${payload}`);
    const given = { key: read.leaf.publicKey, dsaEncoding: 'ieee-p1363' } as const;
    expect(verify.verify(given, Buffer.from(signature, 'base64url'))).toBe(true);
  });
});

describe.skipIf(whyNoCertificates !== undefined)('assertions', () => {
  it('are signed once for an application and an endpoint, until half of their life is over', async () => {
    const { key, certificate } = makeCertificate('rsa');
    const read = readPem(`${key}${certificate}`, '') as ReadCertificate;
    let now = 0;
    const assertions = createAssertions({ now: () => now });
    const ask = (clientId = 'app', audience = 'https://login/token') =>
      assertions(read, { clientId, audience });
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
});
