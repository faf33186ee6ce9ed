import { expect, it, vi } from 'vitest';
import type { ServicePrincipal } from '../types.ts';
import type { CertificateReader } from './certificate-reader.ts';
import { createKeptProofs, proofIn, usable, type Found } from './proofs.ts';
import type { Certificate } from './reader-messages.ts';

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
const certificateOf = (bytes: number): Certificate => {
  const leaf = { raw: Buffer.alloc(bytes) };
  return { leaf, chain: [leaf] } as unknown as Certificate;
};
const proofOf = (bytes: number): Found => ({ kind: 'certificate', certificate: certificateOf(bytes) });
const secretOf = (value: string): Found => ({ kind: 'secret', value });
const subjectAt = (namespace: string, name: string): ServicePrincipal => ({
  ...subject,
  secret: { namespace, name },
});

it('a client secret is the proof as it is, and no certificate is read', async () => {
  const read = vi.fn<CertificateReader['read']>();
  const stored = { kind: 'secret', value: 'hidden' } as const;
  await expect(proofIn(stored, { read }, subject.secret)).resolves.toEqual(stored);
  await expect(proofIn('it is empty', { read }, subject.secret)).resolves.toBe('it is empty');
  expect(read).not.toHaveBeenCalled();
});

it('a certificate is read on account of the namespace of its Secret', async () => {
  const certificate = certificateOf(1);
  const read = vi.fn<CertificateReader['read']>(() => Promise.resolve(certificate));
  const stored = { kind: 'pem', text: '-----BEGIN CERTIFICATE-----', password: '' } as const;
  await expect(proofIn(stored, { read }, subject.secret)).resolves.toEqual({
    kind: 'certificate',
    certificate,
  });
  read.mockResolvedValue('it has no private key in PEM form');
  await expect(proofIn(stored, { read }, subject.secret)).resolves.toBe('it has no private key in PEM form');
  expect(read.mock.calls[0]).toEqual(['shop', stored]);
});

it('a Secret without a proof: says which one of which AzureIdentity cannot be used, and why', () => {
  expect(usable(secretOf('hidden'), subject)).toEqual(secretOf('hidden'));
  expect(() => usable('it is empty', subject)).toThrow(
    expect.objectContaining({
      code: 'misconfigured',
      message: 'Secret shop/credential of AzureIdentity shop/app cannot be used: it is empty.',
    }),
  );
});

it('one Secret can serve as a secret and as a certificate, and both are forgotten with it', () => {
  const proofs = createKeptProofs();
  const withCertificate = { ...subject, credential: 'certificate' } as const;
  proofs.keep(subject, secretOf('hidden'));
  proofs.keep(withCertificate, proofOf(1_000));
  expect(proofs.recall(subject)).toEqual(secretOf('hidden'));
  expect(proofs.recall(withCertificate)).toMatchObject({ kind: 'certificate' });
  proofs.forget({ namespace: 'shop', name: 'other' });
  expect(proofs.recall(subject)).toBeDefined();
  proofs.forget(subject.secret);
  expect([proofs.recall(subject), proofs.recall(withCertificate)]).toEqual([undefined, undefined]);
});

const keepMany = (namespace: string, count: number, found: Found) => {
  const proofs = createKeptProofs();
  const subjects = Array.from({ length: count }, (_, n) => subjectAt(namespace, `app-${n}`));
  for (const one of subjects) proofs.keep(one, found);
  return { proofs, kept: () => subjects.filter((one) => proofs.recall(one) !== undefined).length };
};

it.each<[string, Found, number]>([
  ['certificates of usual size', proofOf(3_000), 35],
  ['certificates of 64 KiB', proofOf(65_536), 8],
  ['client secrets of usual size', secretOf('x'.repeat(40)), 1_971],
  ['client secrets of 4 KiB', secretOf('x'.repeat(4_096)), 409],
  ['texts about what is wrong', 'x'.repeat(400), 1_472],
])('2 MiB of a namespace are kept: of %s', (_, found, count) => {
  expect(keepMany('shop', 2_000, found).kept()).toBe(count);
});

it('a namespace evicts its own, first those that were not used for longest; another one keeps its own', () => {
  const { proofs } = keepMany('shop', 8, proofOf(65_536));
  proofs.keep(subjectAt('other', 'app'), proofOf(65_536));
  proofs.recall(subjectAt('shop', 'app-0'));
  proofs.keep(subjectAt('shop', 'app-8'), proofOf(65_536));
  const kept = ['app-0', 'app-1', 'app-2', 'app-8'].filter((name) => proofs.recall(subjectAt('shop', name)));
  expect(kept).toEqual(['app-0', 'app-2', 'app-8']);
  expect(proofs.recall(subjectAt('other', 'app'))).toBeDefined();
});

it('8 MiB of all namespaces are kept: those that hold most evict theirs', () => {
  const { proofs } = keepMany('mine', 1, proofOf(65_536));
  for (let namespace = 0; namespace < 10; namespace += 1)
    for (let n = 0; n < 8; n += 1) proofs.keep(subjectAt(`hostile-${namespace}`, `${n}`), proofOf(65_536));
  let kept = 0;
  for (let namespace = 0; namespace < 10; namespace += 1)
    for (let n = 0; n < 8; n += 1) kept += proofs.recall(subjectAt(`hostile-${namespace}`, `${n}`)) ? 1 : 0;
  expect(proofs.recall(subjectAt('mine', 'app-0'))).toBeDefined();
  expect(kept).toBe(32);
});
