import type { Clock } from '@pod-identity/kit/core';
import { runInTurn, type TurnQueue } from '../../waiting/turn-queues.ts';
import { TokenError, type TokenErrorCode } from '../errors.ts';
import type { ServicePrincipal } from '../types.ts';
import type { CertificateReader } from './certificate-reader.ts';
import type { Proof } from './entra-client.ts';
import { createKeptProofs, proofIn, usable, type Found, type KeptProofs } from './proofs.ts';
import type { SecretReader, SecretReference } from './secret-reader.ts';
import { createSecretVersions, nameOf, type SecretVersions, type SeenSecret } from './secret-versions.ts';

export interface SecretMemory {
  /**
   * The proof in the current Secret, or in that of the last seconds; the last known one while the API server does not respond. Fails with a
   * TokenError if the Secret has no usable credential.
   */
  proof(subject: ServicePrincipal): Promise<CurrentProof>;
  /** Looks in the background whether a Secret that is in use has changed, unless that was done recently; reads it if so. */
  check(subject: ServicePrincipal): void;
  /** Whether a change of the Secret would be noticed. */
  has(reference: SecretReference): boolean;
}

export interface CurrentProof {
  readonly proof: Proof;
  /** Whether the Secret that it is from is still the known one. */
  readonly isCurrent: () => boolean;
}

export interface SecretMemoryOptions {
  readonly secretReader: SecretReader;
  readonly certificates: CertificateReader;
  /** Of reads in the background. */
  readonly checks: TurnQueue;
  readonly clock: Clock;
  /**
   * Called when a Secret that was read before has changed, was deleted, may not be read any more, or was not used for an hour: tokens that were got
   * with it must be forgotten.
   */
  readonly onSecretChanged: (reference: SecretReference) => void;
}

/** Between reads of one Secret: a change of it is noticed this late at most. */
const readAgainMs = 30_000;
/** Shorter, since a missing Secret may be created any moment. */
const failureMs = 5_000;

/** Keeps the proofs in Secrets, and nothing else of them, while they are used. There is no watch: NMI has no right to list Secrets. */
export function createSecretMemory(options: SecretMemoryOptions): SecretMemory {
  const { clock } = options;
  const proofs = createKeptProofs();
  const onEnded = (reference: SecretReference) => {
    proofs.forget(reference);
    options.onSecretChanged(reference);
  };
  const stores: Stores = { proofs, versions: createSecretVersions(clock, onEnded) };
  const { versions } = stores;
  const looks = createFlights<undefined>();
  const reads = createFlights<ReadProof>();

  const isYounger = ({ requestedAt }: SeenSecret, ms: number) => clock.elapsed() - requestedAt < ms;
  const isOld = (reference: SecretReference) => {
    const seen = versions.get(reference);
    return seen?.version !== undefined && !isYounger(seen, readAgainMs);
  };
  const look = (reference: SecretReference) =>
    looks(nameOf(reference), () => lookInto(stores, reference, options));
  const read = (subject: ServicePrincipal) =>
    reads(`${subject.credential} ${nameOf(subject.secret)}`, () => readInto(stores, subject, options));
  const lookAgain = async (subject: ServicePrincipal) => {
    const before = versions.get(subject.secret)?.version;
    await look(subject.secret);
    if (versions.get(subject.secret)?.version !== before) await read(subject);
  };

  return {
    async proof(subject) {
      const { secret: reference } = subject;
      const seen = versions.get(reference);
      if (seen?.error && isYounger(seen, failureMs)) throw seen.error;
      if (isOld(reference) && proofs.recall(subject) !== undefined) await look(reference);
      const kept = proofs.recall(subject);
      const { version, found } =
        kept === undefined ? await read(subject) : { version: versions.get(reference)?.version, found: kept };
      return {
        proof: usable(found, subject),
        isCurrent: () => version !== undefined && versions.get(reference)?.version === version,
      };
    },
    check: createChecker(options.checks, lookAgain, isOld),
    has: (reference) => versions.get(reference)?.version !== undefined,
  };
}

interface ReadProof {
  readonly version: string;
  readonly found: Found;
}

interface Stores {
  readonly versions: SecretVersions;
  readonly proofs: KeptProofs;
}

/** Whether the version is still the known one; so it is taken to be while the API server does not respond. */
async function lookInto(
  { versions }: Stores,
  reference: SecretReference,
  { secretReader, clock }: SecretMemoryOptions,
): Promise<undefined> {
  const requestedAt = clock.elapsed();
  try {
    versions.note({ reference, requestedAt, version: await secretReader.version(reference) });
  } catch (error) {
    if (isCode(error, 'misconfigured')) versions.note({ reference, requestedAt, error });
    const seen = versions.get(reference);
    if (!seen || !isCode(error, 'unavailable')) throw error;
    versions.note({ ...seen, requestedAt });
  }
}

async function readInto(
  { versions, proofs }: Stores,
  subject: ServicePrincipal,
  { secretReader, certificates, clock }: SecretMemoryOptions,
): Promise<ReadProof> {
  const { secret: reference, credential } = subject;
  const requestedAt = clock.elapsed();
  const { version, stored } = await secretReader.read(reference, credential).catch((error: unknown) => {
    if (isCode(error, 'misconfigured')) versions.note({ reference, requestedAt, error });
    throw error;
  });
  versions.note({ reference, requestedAt, version });
  const found = await proofIn(stored, certificates, reference);
  // It may have changed while a certificate was read.
  if (versions.get(reference)?.version === version) proofs.keep(subject, found);
  return { version, found };
}

/** Namespaces take turns. A check without a place or turn is left to the next use of the Secret, as is a failure. */
function createChecker(
  checks: TurnQueue,
  lookAgain: (subject: ServicePrincipal) => Promise<void>,
  isOld: (reference: SecretReference) => boolean,
): SecretMemory['check'] {
  const underWay = new Set<string>();
  return (subject) => {
    const { namespace, name: pod } = subject.secret;
    const name = nameOf(subject.secret);
    if (underWay.has(name) || !isOld(subject.secret)) return;
    underWay.add(name);
    const check = { tenant: { namespace, pod }, gone: new AbortController().signal };
    runInTurn(checks, check, () => lookAgain(subject))
      .catch(() => undefined)
      .finally(() => underWay.delete(name));
  };
}

/** One task at a time for each name; all who want it meanwhile get its result. */
function createFlights<T>() {
  const underWay = new Map<string, Promise<T>>();
  return (name: string, task: () => Promise<T>): Promise<T> => {
    const flight = underWay.get(name) ?? task().finally(() => underWay.delete(name));
    underWay.set(name, flight);
    return flight;
  };
}

function isCode(error: unknown, code: TokenErrorCode): error is TokenError {
  return error instanceof TokenError && error.code === code;
}
