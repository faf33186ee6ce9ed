import { expect, it, vi } from 'vitest';
import { TokenError } from '../errors.ts';
import type { ServicePrincipal } from '../types.ts';
import type { CertificateReader } from './certificate-reader.ts';
import { createProofs } from './proofs.ts';
import type { Certificate } from './reader-words.ts';
import type { ReadSecret } from './secret-reader.ts';

const subject: ServicePrincipal = {
  kind: 'service-principal',
  name: 'shop/app',
  clientId: 'c',
  tenantId: 't',
  auxiliaryTenantIds: [],
  authority: 'https://login.example',
  credential: 'secret',
  secret: { namespace: 'shop', name: 'credential' },
};
const withCertificate = { ...subject, credential: 'certificate' } as const;
const secretOf = (keys: Readonly<Record<string, string>>): ReadSecret => ({
  version: '1',
  data: new Map(Object.entries(keys).map(([key, value]) => [key, Buffer.from(value)])),
});
const certificate = { leaf: {} } as Certificate;
const pem = secretOf({ certificate: '-----BEGIN CERTIFICATE-----' });

const stage = () => {
  const reader = vi.fn<CertificateReader['read']>(() => Promise.resolve(certificate));
  return { reader, proofs: createProofs({ read: reader }) };
};

it('a client secret is the proof as it is, and no certificate is read', async () => {
  const { proofs, reader } = stage();
  await expect(proofs.of(secretOf({ clientSecret: 'hidden' }), subject)).resolves.toEqual({
    kind: 'secret',
    value: 'hidden',
  });
  expect(reader).not.toHaveBeenCalled();
});

it('a certificate is read once for each version of the Secret, on account of its namespace', async () => {
  const { proofs, reader } = stage();
  const all = [proofs.of(pem, withCertificate), proofs.of(pem, withCertificate)];
  await expect(Promise.all(all)).resolves.toEqual([
    { kind: 'certificate', certificate },
    { kind: 'certificate', certificate },
  ]);
  expect(reader.mock.calls).toEqual([['shop', expect.objectContaining({ kind: 'pem' })]]);
  await proofs.of({ ...pem }, withCertificate);
  expect(reader).toHaveBeenCalledTimes(2);
});

it('one Secret can serve as a secret and as a certificate', async () => {
  const { proofs } = stage();
  const both = secretOf({ clientSecret: 'hidden', certificate: '-----BEGIN CERTIFICATE-----' });
  const kinds = [await proofs.of(both, subject), await proofs.of(both, withCertificate)].map(
    ({ kind }) => kind,
  );
  expect(kinds).toEqual(['secret', 'certificate']);
});

it.each([
  ['a Secret without the key that is meant', subject, secretOf({}), 'put the client secret under the key'],
  ['a Secret without a certificate', withCertificate, secretOf({ x: 'y' }), 'neither the key certificate'],
])(
  '%s: says which Secret of which AzureIdentity cannot be used, and why',
  async (...[, who, secret, why]) => {
    const error = await stage()
      .proofs.of(secret, who)
      .catch((thrown: unknown) => thrown);
    expect(error).toMatchObject({ code: 'misconfigured' });
    expect((error as Error).message).toContain('Secret shop/credential of AzureIdentity shop/app');
    expect((error as Error).message).toContain(why);
  },
);

it('a certificate that is refused stays refused, and is not read again', async () => {
  const { proofs, reader } = stage();
  reader.mockResolvedValue('it has no private key in PEM form');
  for (let time = 0; time < 2; time += 1)
    await expect(proofs.of(pem, withCertificate)).rejects.toThrow('it has no private key in PEM form.');
  expect(reader).toHaveBeenCalledTimes(1);
});

it('one that could not be read this time is read again the next time', async () => {
  const { proofs, reader } = stage();
  reader.mockRejectedValueOnce(new TokenError('unavailable', 'later'));
  await expect(proofs.of(pem, withCertificate)).rejects.toMatchObject({ code: 'unavailable' });
  await expect(proofs.of(pem, withCertificate)).resolves.toMatchObject({ kind: 'certificate' });
});
