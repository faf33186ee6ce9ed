import { TokenError } from '../token-errors.ts';
import type { ServicePrincipal } from '../types.ts';
import { readPem, type Certificate } from './certificate.ts';
import type { Proof } from './entra-client.ts';
import type { ReadSecret } from './secret-door.ts';
import { readCredential, type StoredCredential } from './secret-keys.ts';

export type Proofs = (secret: ReadSecret, subject: ServicePrincipal) => Promise<Proof>;
type Credential = ServicePrincipal['credential'];

/** Reads each version of a Secret once: a PKCS#12 file takes tens of milliseconds. */
export function createProofs(): Proofs {
  const memory: Readonly<Record<Credential, WeakMap<ReadSecret, Promise<Proof | string>>>> = {
    secret: new WeakMap(),
    certificate: new WeakMap(),
  };
  return async (secret, subject) => {
    const known = memory[subject.credential];
    const reading = known.get(secret) ?? read(secret, subject.credential);
    known.set(secret, reading);
    const proof = await reading;
    if (typeof proof === 'string') throw unusable(subject, proof);
    return proof;
  };
}

async function read(secret: ReadSecret, credential: Credential): Promise<Proof | string> {
  const stored = readCredential(secret.data, credential);
  if (typeof stored === 'string') return stored;
  if (stored.kind === 'secret') return stored;
  const certificate = await readCertificate(stored);
  return typeof certificate === 'string' ? certificate : { kind: 'certificate', certificate };
}

async function readCertificate(
  stored: Exclude<StoredCredential, { kind: 'secret' }>,
): Promise<Certificate | string> {
  if (stored.kind === 'pem') return readPem(stored.text, stored.password);
  const { readPfx } = await import('./pfx.ts');
  return readPfx(stored.bytes, stored.password);
}

function unusable({ name, secret }: ServicePrincipal, fault: string): TokenError {
  return new TokenError(
    'misconfigured',
    `Secret ${secret.namespace}/${secret.name} of AzureIdentity ${name} cannot be used: ${fault}.`,
  );
}
