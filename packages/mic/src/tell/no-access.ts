// The text for a ServiceAccount that may not use an Azure identity, with the remedy.
import { missingRight, rolesFor, type AccessSubject, type AccessTarget } from '@pod-identity/crd-types';
import type { Remedy } from '@pod-identity/kit/core';

/** Shown in mode `namespace` at the start and by `explain`. */
export const openAccess =
  'whoever may write an AzureIdentity may use the identity that it names, of any team (--identity-access=namespace)';

export interface NoAccess {
  /** `namespace/name` of the AzureIdentity. */
  readonly identity: string;
  readonly subject: AccessSubject;
  readonly targets: readonly AccessTarget[];
  /** Why the right cannot be granted. */
  readonly problem?: string | undefined;
}

/** The missing right, and the command that prints the roles that grant it, in one line: Events are truncated. */
export function nameMissingRight(of: NoAccess): string {
  const { identity, subject, targets, problem } = of;
  if (problem !== undefined) return `${sentence(of)}: ${problem}`;
  return missingRight(`AzureIdentity ${identity}`, subject, targets);
}

/** The same, with the roles from the second line on, for `kubectl apply`. */
export function explainNoAccess(of: NoAccess): string {
  const { subject, targets, problem } = of;
  const line = nameMissingRight(of);
  return problem === undefined ? `${line}\n${rolesFor({ subjects: [subject], targets }).yaml}` : line;
}

/** One line without the remedy. */
export function sentence({ identity, subject, problem }: NoAccess): string {
  return problem === undefined
    ? `${accountOf(subject)} may not use AzureIdentity ${identity}`
    : `nobody can be given the right to use AzureIdentity ${identity}`;
}

export function accessRemedy({ subject, targets, problem }: NoAccess): Remedy {
  if (problem !== undefined) return { text: `correct it: ${problem}` };
  const { yaml, checks } = rolesFor({ subjects: [subject], targets });
  const text = 'as a cluster administrator, kubectl apply -f - with what follows, then check';
  return { text, paste: yaml, command: checks.join(' && ') };
}

function accountOf({ namespace, name }: AccessSubject): string {
  return `ServiceAccount ${namespace}/${name}`;
}
