import { generateKeyPair } from 'node:crypto';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import forge from 'node-forge';

interface ServerCertificate {
  readonly key: string;
  readonly cert: string;
  /** The authority's certificate, PEM, for NODE_EXTRA_CA_CERTS. */
  readonly caFile: string;
  /** Removes the file. */
  readonly dispose: () => Promise<void>;
}

interface Keys {
  readonly privatePem: string;
  readonly private: forge.pki.rsa.PrivateKey;
  readonly public: forge.pki.rsa.PublicKey;
}

/** For clients that reach the listeners through a relay, under Azure's own names. */
const publicNames = ['login.microsoftonline.com', 'management.azure.com', '*.vault.azure.net'];

/** A new authority and one certificate for every https listener on loopback. */
export async function createServerCertificate(): Promise<ServerCertificate> {
  const [authority, server] = await Promise.all([newKeys(), newKeys()]);
  const issuer = [{ name: 'commonName', value: 'pod-identity simulator' }];
  const ca = sign({
    serial: '01',
    subject: issuer,
    issuer,
    publicKey: authority.public,
    signer: authority.private,
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
    publicKey: server.public,
    signer: authority.private,
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
    key: server.privatePem,
    cert,
    caFile,
    dispose: () => rm(folder, { recursive: true, force: true }),
  };
}

const ip = (address: string) => ({ type: 7, ip: address });
const dns = (name: string) => ({ type: 2, value: name });

/** The keys come from node:crypto (fast); node-forge only writes and signs the certificates. */
async function newKeys(): Promise<Keys> {
  const { privateKey, publicKey } = await promisify(generateKeyPair)('rsa', {
    modulusLength: 2048,
    publicKeyEncoding: { type: 'spki', format: 'pem' },
    privateKeyEncoding: { type: 'pkcs8', format: 'pem' },
  });
  return {
    privatePem: privateKey,
    private: forge.pki.privateKeyFromPem(privateKey),
    public: forge.pki.publicKeyFromPem(publicKey),
  };
}

interface Draft {
  readonly serial: string;
  readonly subject: forge.pki.CertificateField[];
  readonly issuer: forge.pki.CertificateField[];
  readonly publicKey: forge.pki.rsa.PublicKey;
  readonly signer: forge.pki.rsa.PrivateKey;
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
  certificate.sign(draft.signer, forge.md.sha256.create());
  return forge.pki.certificateToPem(certificate);
}
