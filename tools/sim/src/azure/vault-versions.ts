import { createHash, generateKeyPairSync, X509Certificate, type KeyObject } from 'node:crypto';
import forge from 'node-forge';
import { publicKeyOf, signCertificate, type RsaKeys } from './rsa.ts';
import type { CertificateVersion, KeyVersion, Lifetime, SecretVersion, Version } from './vault-objects.ts';

export interface VersionPorts {
  readonly now: () => number;
  readonly newId: () => string;
}

interface MadeCertificate {
  readonly certificate: CertificateVersion;
  readonly key: KeyVersion;
  readonly secret: SecretVersion;
}

const yearMs = 365 * 24 * 60 * 60 * 1000;

/** New versions of a vault's objects. */
export function createVersions(ports: VersionPorts) {
  const begin = (lifetime: Lifetime): Version => ({
    version: ports.newId().replaceAll('-', ''),
    createdAt: ports.now(),
    ...lifetime,
  });
  return {
    secret: ({ value, ...lifetime }: Lifetime & { readonly value: string }): SecretVersion => ({
      ...begin(lifetime),
      value,
    }),
    key: (lifetime: Lifetime): KeyVersion => ({ ...begin(lifetime), jwk: publicJwk(newKeys().publicKey) }),
    /** All three have the same version, as the service documents. */
    certificate(name: string, lifetime: Lifetime): MadeCertificate {
      const expiring = { expiresAt: ports.now() + yearMs, ...lifetime };
      const version = begin(expiring);
      const keys = newKeys();
      const { pem, der } = selfSigned(name, keys, { from: version.createdAt, to: expiring.expiresAt });
      const managed = { ...version, managed: true };
      const privatePem = keys.privateKey.export({ type: 'pkcs8', format: 'pem' }).toString();
      return {
        certificate: {
          ...version,
          cer: der.toString('base64'),
          thumbprint: createHash('sha1').update(der).digest('base64url'),
        },
        key: { ...managed, jwk: publicJwk(keys.publicKey) },
        secret: { ...managed, value: privatePem + pem, contentType: 'application/x-pem-file' },
      };
    },
  };
}

const newKeys = (): RsaKeys => generateKeyPairSync('rsa', { modulusLength: 2048 });

function publicJwk(key: KeyObject): KeyVersion['jwk'] {
  const { n = '', e = '' } = key.export({ format: 'jwk' });
  return { n, e };
}

function selfSigned(
  name: string,
  keys: RsaKeys,
  { from, to }: { readonly from: number; readonly to: number },
): { readonly pem: string; readonly der: Buffer } {
  const certificate = forge.pki.createCertificate();
  const names = [{ name: 'commonName', value: name }];
  certificate.serialNumber = '01';
  certificate.publicKey = publicKeyOf(keys);
  certificate.setSubject(names);
  certificate.setIssuer(names);
  certificate.validity.notBefore = new Date(from);
  certificate.validity.notAfter = new Date(to);
  const pem = signCertificate(certificate, keys.privateKey);
  return { pem, der: new X509Certificate(pem).raw };
}
