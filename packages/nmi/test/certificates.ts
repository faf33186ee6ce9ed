// Keys and certificates as people make them: with openssl.
import { execFileSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { whyNoPrograms } from '@pod-identity/kit/testing';

/** Why no certificate can be made here; undefined when one can. */
export const whyNoCertificates = whyNoPrograms({ programs: ['openssl'] });
if (whyNoCertificates !== undefined)
  console.warn(`tests that make certificates are skipped: ${whyNoCertificates}`);

export type KeyKind = 'rsa' | 'p256' | 'p384' | 'p521';

export interface Made {
  /** PEM. */
  readonly key: string;
  readonly certificate: string;
  /** Issued the certificate, when it was not issued by itself. */
  readonly issuers: readonly string[];
}

const keyArguments: Readonly<Record<KeyKind, readonly string[]>> = {
  rsa: ['-newkey', 'rsa:2048'],
  p256: ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256'],
  p384: ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-384'],
  p521: ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-521'],
};

/** What it prints. */
export const openssl = (args: readonly string[], cwd?: string): string =>
  execFileSync('openssl', args, { cwd, stdio: 'pipe' }).toString();

function inFolder<T>(work: (folder: string) => T): T {
  const folder = mkdtempSync(join(tmpdir(), 'nmi-certificates-'));
  try {
    return work(folder);
  } finally {
    rmSync(folder, { recursive: true });
  }
}

/** A new key; its certificate is signed by itself, or by an authority's intermediate. */
export function makeCertificate(kind: KeyKind, { isIssued = false } = {}): Made {
  return inFolder((folder) => {
    const request = (name: string, ...more: readonly string[]) =>
      openssl(
        [
          ...['req', '-x509', ...keyArguments[kind], '-nodes', '-days', '30', '-subj', `/CN=${name}`],
          ...['-keyout', `${name}.key`, '-out', `${name}.pem`, ...more],
        ],
        folder,
      );
    const read = (name: string) => readFileSync(join(folder, name), 'utf8');
    if (!isIssued) {
      request('leaf');
      return { key: read('leaf.key'), certificate: read('leaf.pem'), issuers: [] };
    }
    const under = (name: string) => ['-CA', `${name}.pem`, '-CAkey', `${name}.key`];
    request('root');
    request('middle', ...under('root'), '-addext', 'basicConstraints=critical,CA:TRUE');
    request('leaf', ...under('middle'), '-addext', 'basicConstraints=CA:FALSE');
    return {
      key: read('leaf.key'),
      certificate: read('leaf.pem'),
      issuers: [read('middle.pem'), read('root.pem')],
    };
  });
}

/** A PKCS#12 file. */
export function makePfx({ key, certificate, issuers }: Made, password: string, ...more: string[]): Buffer {
  return inFolder((folder) => {
    writeFileSync(join(folder, 'key.pem'), key);
    writeFileSync(join(folder, 'certificate.pem'), certificate);
    writeFileSync(join(folder, 'issuers.pem'), issuers.join(''));
    const chain = issuers.length > 0 ? ['-certfile', 'issuers.pem'] : [];
    const files = ['-inkey', 'key.pem', '-in', 'certificate.pem', ...chain, '-out', 'out.pfx'];
    openssl(['pkcs12', '-export', ...files, '-passout', `pass:${password}`, ...more], folder);
    return readFileSync(join(folder, 'out.pfx'));
  });
}

/** The key, encrypted with a password; `how` instead of AES with 256 bits. */
export function encryptKey(key: string, password: string, ...how: string[]): string {
  return inFolder((folder) => {
    writeFileSync(join(folder, 'key.pem'), key);
    const method = how.length === 0 ? ['-v2', 'aes-256-cbc'] : how;
    return openssl(['pkcs8', '-topk8', '-in', 'key.pem', '-passout', `pass:${password}`, ...method], folder);
  });
}
