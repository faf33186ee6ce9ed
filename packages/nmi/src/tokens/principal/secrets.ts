import { createShareMap, type Clock, type Keyed } from '@pod-identity/kit/core';
import { runInTurn, type TurnQueue } from '../../waiting/turn-queues.ts';
import { TokenError } from '../errors.ts';
import type { ServicePrincipal } from '../types.ts';
import type { CertificateReader } from './certificate-reader.ts';
import type { Proof } from './entra-client.ts';
import type { ReadSecret, SecretReader, SecretReference } from './secret-reader.ts';

export interface SecretsOptions {
  readonly secretReader: SecretReader;
  readonly certificates: CertificateReader;
  /** Of looks. */
  readonly turns: TurnQueue;
  readonly clock: Clock;
  /** Called when a Secret has changed, was deleted, may not be read any more, or is not remembered: the tokens of it must be forgotten. */
  readonly onSecretChanged: (reference: SecretReference) => void;
}

/** A change of a Secret is noticed this late at most. */
const lookAgainMs = 5 * 60_000;
/** While the API server does not respond. */
const failureMs = 30_000;
/** As many as there are tokens. */
const limits = { perNamespace: 500, total: 2_000 };

interface Seen extends Keyed {
  readonly reference: SecretReference;
  readonly version: string;
  readonly lookAt: number;
}

/** Remembers the versions of Secrets, and nothing that is in them. There is no watch: NMI has no right to list Secrets. */
export function createSecrets(options: SecretsOptions) {
  const { certificates, clock, onSecretChanged } = options;
  const seen: SeenSecrets = createShareMap(limits);
  const looks = new Map<string, Promise<unknown>>();
  const read = (subject: ServicePrincipal) => readInto(seen, subject, options);

  return {
    /** Reads the Secret. Fails with a TokenError if it has no usable credential. */
    async proof(subject: ServicePrincipal) {
      const { version, stored } = await read(subject);
      const { secret: reference } = subject;
      const found =
        typeof stored === 'string' || stored.kind === 'secret'
          ? stored
          : await certificates.read(reference.namespace, stored);
      return {
        proof: usable(found, subject),
        /** Whether the version that it is from is still the known one. */
        isCurrent: () => seen.get(keyOf(reference))?.version === version,
      };
    },
    /** Looks whether the Secret has changed since its tokens were requested; undefined if that was done in the last minutes. */
    look(subject: ServicePrincipal): Promise<unknown> | undefined {
      const key = keyOf(subject.secret);
      const kept = seen.get(key);
      if (kept && clock.elapsed() < kept.lookAt) return undefined;
      if (!kept) onSecretChanged(subject.secret);
      const looking =
        looks.get(key) ?? lookNow(seen, read, { ...options, subject }).finally(() => looks.delete(key));
      looks.set(key, looking);
      return looking;
    },
  };
}

type SeenSecrets = ReturnType<typeof createShareMap<Seen>>;

async function readInto(
  seen: SeenSecrets,
  { secret: reference, credential }: ServicePrincipal,
  { secretReader, clock, onSecretChanged }: SecretsOptions,
): Promise<ReadSecret> {
  const [key, { namespace }] = [keyOf(reference), reference];
  const lookAt = clock.elapsed() + lookAgainMs;
  try {
    const read = await secretReader.read(reference, credential);
    const before = seen.get(key);
    if (before && before.version !== read.version) onSecretChanged(reference);
    const out = seen.set({ reference, key, namespace, weight: 1, version: read.version, lookAt });
    for (const one of out) onSecretChanged(one.reference);
    return read;
  } catch (error) {
    if (error instanceof TokenError && error.code === 'misconfigured') {
      seen.delete(key);
      onSecretChanged(reference);
    }
    throw error;
  }
}

async function lookNow(
  seen: SeenSecrets,
  read: (subject: ServicePrincipal) => Promise<ReadSecret>,
  { subject, turns, clock }: SecretsOptions & { readonly subject: ServicePrincipal },
): Promise<void> {
  const { namespace, name: pod } = subject.secret;
  const looking = runInTurn(turns, { tenant: { namespace, pod } }, () => read(subject));
  if ((await looking.catch(() => undefined)) !== undefined) return;
  const kept = seen.get(keyOf(subject.secret));
  if (kept) seen.set({ ...kept, lookAt: clock.elapsed() + failureMs });
}

function keyOf({ namespace, name }: SecretReference): string {
  return `${namespace}/${name}`;
}

type Found = Awaited<ReturnType<CertificateReader['read']>> | Extract<Proof, { kind: 'secret' }>;

/** The proof; a text says why there is none. */
function usable(found: Found, { name, secret }: ServicePrincipal): Proof {
  if (typeof found !== 'string')
    return 'chain' in found ? { kind: 'certificate', certificate: found } : found;
  throw new TokenError(
    'misconfigured',
    `Secret ${secret.namespace}/${secret.name} of AzureIdentity ${name} cannot be used: ${found}.`,
  );
}
