import type { KeyObject } from 'node:crypto';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import forge from 'node-forge';
import { keysFor, publicKeyOf, signCertificate } from './rsa.ts';

interface ServerCertificate {
  readonly key: string;
  readonly cert: string;
  /** The authority's certificate, PEM, for NODE_EXTRA_CA_CERTS. */
  readonly caFile: string;
  /** Removes the file. */
  readonly dispose: () => Promise<void>;
}

/** For clients that reach the listeners through a relay, under Azure's own names. */
const publicNames = ['login.microsoftonline.com', 'management.azure.com', '*.vault.azure.net'];

/** A new certificate of the authority, and one for every https listener on loopback. */
export async function createServerCertificate(): Promise<ServerCertificate> {
  const [authority, server] = await Promise.all([keysFor('authority'), keysFor('server')]);
  const issuer = [{ name: 'commonName', value: 'pod-identity simulator' }];
  const ca = sign({
    serial: '01',
    subject: issuer,
    issuer,
    publicKey: publicKeyOf(authority),
    signer: authority.privateKey,
    extensions: [
      { name: 'basicConstraints', cA: true, critical: true },
      { name: 'keyUsage', keyCertSign: true, cRLSign: true, critical: true },
      { name: 'subjectKeyIdentifier' },
    ],
  });
  const cert = sign({
    serial: '02',
    subject: [{ name: 'commonName', value: 'localhost' }],
    issuer,
    publicKey: publicKeyOf(server),
    signer: authority.privateKey,
    extensions: [
      { name: 'basicConstraints', cA: false },
      { name: 'keyUsage', digitalSignature: true, keyEncipherment: true, critical: true },
      { name: 'extKeyUsage', serverAuth: true },
      {
        name: 'subjectAltName',
        altNames: [ip('127.0.0.1'), ...['localhost', '*.localhost', ...publicNames].map(dns)],
      },
    ],
  });
  const folder = await mkdtemp(join(tmpdir(), 'pod-identity-sim-'));
  const caFile = join(folder, 'ca.pem');
  await writeFile(caFile, ca);
  return {
    key: server.privateKey.export({ type: 'pkcs8', format: 'pem' }).toString(),
    cert,
    caFile,
    dispose: () => rm(folder, { recursive: true, force: true }),
  };
}

const ip = (address: string) => ({ type: 7, ip: address });
const dns = (name: string) => ({ type: 2, value: name });

interface Draft {
  readonly serial: string;
  readonly subject: forge.pki.CertificateField[];
  readonly issuer: forge.pki.CertificateField[];
  readonly publicKey: forge.pki.rsa.PublicKey;
  readonly signer: KeyObject;
  readonly extensions: object[];
}

const dayMs = 24 * 60 * 60 * 1000;

function sign(draft: Draft): string {
  const certificate = forge.pki.createCertificate();
  certificate.serialNumber = draft.serial;
  certificate.publicKey = draft.publicKey;
  certificate.setSubject(draft.subject);
  certificate.setIssuer(draft.issuer);
  certificate.setExtensions(draft.extensions);
  // TLS clients check these by the real clock, not the simulator's.
  certificate.validity.notBefore = new Date(Date.now() - dayMs);
  certificate.validity.notAfter = new Date(Date.now() + 30 * dayMs);
  return signCertificate(certificate, draft.signer);
}
