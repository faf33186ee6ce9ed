import { createPrivateKey, X509Certificate } from 'node:crypto';
import { expect, it } from 'vitest';
import { createCertificate } from './certificate.ts';
import { readEntries, writeEntry } from './entry.ts';

const now = Date.UTC(2026, 0, 2, 3, 4, 5);

it('is signed by its own key, is no authority, and begins a day earlier for clocks that are behind', () => {
  const { key, certificate } = createCertificate('broker-a', now);
  const read = new X509Certificate(certificate);
  expect(read.subject).toMatch(/^CN=broker-a /);
  expect(read).toMatchObject({ issuer: read.subject, ca: false });
  expect(read.verify(read.publicKey)).toBe(true);
  expect(read.checkPrivateKey(createPrivateKey(key))).toBe(true);
  expect([read.validFromDate.getTime(), read.validToDate.getTime()]).toEqual([
    now - 24 * 60 * 60_000,
    now + 30 * 24 * 60 * 60_000,
  ]);
});

it('two of one name have different keys and numbers, and fit into an entry', () => {
  const name = 'b'.repeat(253);
  const [a, b] = [createCertificate(name, now), createCertificate(name, now)];
  expect(a.key).not.toBe(b.key);
  expect(new X509Certificate(a.certificate).serialNumber).not.toBe(
    new X509Certificate(b.certificate).serialNumber,
  );
  const entry = { uid: 'u', address: '10.0.0.7', port: 8443, certificates: [a.certificate, b.certificate] };
  expect(readEntries({ [name]: writeEntry(entry) }).get(name)).toEqual(entry);
});
