import { accessModes, type AccessMode } from '@pod-identity/crd-types';
import type { FlagReading } from '@pod-identity/kit/core';
import type { AccessAges } from '../../access/judge.ts';
import { added, type NmiFlag } from './flag.ts';

export interface AccessConfig {
  readonly identityAccess: AccessMode;
  readonly accessAges: AccessAges;
  /** Empty: all. */
  readonly exceptionNamespaces: ReadonlySet<string>;
}

/** Who decides which pod may use which Azure identity. */
export const accessFlags: readonly NmiFlag[] = [
  added({
    name: 'identity-access',
    kind: 'string',
    default: 'namespace',
    choices: [...accessModes],
    help: "Who decides which pods may use an Azure identity. namespace: whoever may write an AzureIdentity in the pods' namespace. rbac: Kubernetes' RBAC, by the right to use the identity itself. warn: as namespace, and pods that rbac would refuse are logged. The annotation aadpodidentity.k8s.io/identity-access of a Namespace makes it stricter for its pods. Must be the same for MIC.",
    why: 'in the original, whoever may write an AzureIdentity may use any identity that MIC can attach',
  }),
  added({
    name: 'access-max-age',
    kind: 'duration',
    default: 15_000,
    min: 5_000,
    max: 300_000,
    help: 'How long an answer of the API server about a right is used. A right that was withdrawn gives no token after this time.',
    why: 'see --identity-access',
  }),
  added({
    name: 'access-grace',
    kind: 'duration',
    default: 600_000,
    min: 0,
    max: 86_400_000,
    help: 'How long the last positive answer about a right is used while the API server gives none (429, 5xx, time-out). Default with --pod-check=strict: 0.',
    why: 'pods keep their tokens through a short outage of the API server',
  }),
  added({
    name: 'exception-namespaces',
    kind: 'list',
    default: [],
    help: 'Namespaces whose AzurePodIdentityExceptions count with --identity-access=namespace or warn. Empty: all. With rbac an exempt pod needs the right to use the machine instead.',
    why: 'whoever may write an AzurePodIdentityException gets all identities of the machine',
  }),
];

export function accessOf(reading: FlagReading): AccessConfig {
  const isStrict = reading.string('pod-check') === 'strict' && !reading.given.has('access-grace');
  return {
    identityAccess: accessModes.find((mode) => mode === reading.string('identity-access')) ?? 'rbac',
    accessAges: {
      maxAgeMs: reading.durationMs('access-max-age'),
      graceMs: isStrict ? 0 : reading.durationMs('access-grace'),
    },
    exceptionNamespaces: new Set(reading.list('exception-namespaces')),
  };
}
