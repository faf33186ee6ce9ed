import { createShareMap, type Keyed } from '@pod-identity/kit/core';
import { TokenError } from '../errors.ts';
import type { ServicePrincipal } from '../types.ts';
import type { CertificateReader } from './certificate-reader.ts';
import type { Proof } from './entra-client.ts';
import type { Certificate } from './reader-messages.ts';
import type { SecretReference } from './secret-reader.ts';
import type { StoredCredential } from './secret-keys.ts';

/** A text says why the Secret has no usable credential. */
export type Found = Proof | string;

/** Fails with a TokenError if the certificate could not be read now. */
export async function proofIn(
  stored: StoredCredential | string,
  certificates: CertificateReader,
  { namespace }: SecretReference,
): Promise<Found> {
  if (typeof stored === 'string' || stored.kind === 'secret') return stored;
  const certificate = await certificates.read(namespace, stored);
  return typeof certificate === 'string' ? certificate : { kind: 'certificate', certificate };
}

export interface KeptProofs {
  recall(subject: ServicePrincipal): Found | undefined;
  keep(subject: ServicePrincipal, found: Found): void;
  forget(reference: SecretReference): void;
}

interface Kept extends Keyed {
  readonly found: Found;
}

/** In bytes: some 2,000 client secrets, or 35 certificates, of one namespace. One that is evicted is read again when it is used. */
const limits = { perNamespace: 2 * 1024 * 1024, total: 8 * 1024 * 1024 };
const credentials: readonly ServicePrincipal['credential'][] = ['secret', 'certificate'];

/** Proofs by Secret and kind of credential; that of a certificate takes a separate process, about 200 ms. */
export function createKeptProofs(): KeptProofs {
  const proofs = createShareMap<Kept>(limits);
  return {
    recall({ secret, credential }) {
      const kept = proofs.get(keyOf(secret, credential));
      // It becomes the last one of its namespace to be evicted.
      if (kept) proofs.set(kept);
      return kept?.found;
    },
    keep({ secret, credential }, found) {
      const key = keyOf(secret, credential);
      proofs.set({ namespace: secret.namespace, weight: weightOf(found), key, found });
    },
    forget(reference) {
      for (const credential of credentials) proofs.delete(keyOf(reference, credential));
    },
  };
}

function keyOf({ namespace, name }: SecretReference, credential: ServicePrincipal['credential']): string {
  return `${credential} ${namespace}/${name}`;
}

/** Of an entry with its names. */
const entryBytes = 1024;
/** Of a private key and the assertions that are signed with it. */
const keyBytes = 48 * 1024;

function weightOf(found: Found): number {
  if (typeof found === 'string') return entryBytes + found.length;
  return (
    entryBytes + (found.kind === 'secret' ? found.value.length : keyBytes + chainBytes(found.certificate))
  );
}

/** DER, and the same as text in the header of assertions. */
function chainBytes({ chain }: Certificate): number {
  return 3 * chain.reduce((sum, { raw }) => sum + raw.length, 0);
}

/** The proof, if it is one. */
export function usable(found: Found, { name, secret }: ServicePrincipal): Proof {
  if (typeof found !== 'string') return found;
  throw new TokenError(
    'misconfigured',
    `Secret ${secret.namespace}/${secret.name} of AzureIdentity ${name} cannot be used: ${found}.`,
  );
}
