import { TokenError } from '../errors.ts';
import type { ServicePrincipal } from '../types.ts';
import type { CertificateReader } from './certificate-reader.ts';
import type { Proof } from './entra-client.ts';
import type { ReadSecret } from './secret-reader.ts';
import { readCredential } from './secret-keys.ts';

export interface Proofs {
  /** Fails with a TokenError if the Secret has no usable credential. */
  readonly of: (secret: ReadSecret, subject: ServicePrincipal) => Promise<Proof>;
}
type Credential = ServicePrincipal['credential'];

/** Reads each version of a Secret once: a certificate takes a separate process, about 200 ms. */
export function createProofs(certificates: CertificateReader): Proofs {
  const memory: Readonly<Record<Credential, WeakMap<ReadSecret, Promise<Proof | string>>>> = {
    secret: new WeakMap(),
    certificate: new WeakMap(),
  };
  const read = async (secret: ReadSecret, { credential, secret: { namespace } }: ServicePrincipal) => {
    const stored = readCredential(secret.data, credential);
    if (typeof stored === 'string' || stored.kind === 'secret') return stored;
    const certificate = await certificates.read(namespace, stored);
    return typeof certificate === 'string' ? certificate : ({ kind: 'certificate', certificate } as const);
  };
  return {
    of: async (secret, subject) => {
      const known = memory[subject.credential];
      const reading = known.get(secret) ?? read(secret, subject);
      known.set(secret, reading);
      // The failure may be temporary.
      reading.catch(() => known.delete(secret));
      const proof = await reading;
      if (typeof proof === 'string') throw unusable(subject, proof);
      return proof;
    },
  };
}

function unusable({ name, secret }: ServicePrincipal, fault: string): TokenError {
  return new TokenError(
    'misconfigured',
    `Secret ${secret.namespace}/${secret.name} of AzureIdentity ${name} cannot be used: ${fault}.`,
  );
}
