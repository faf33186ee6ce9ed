import { missingRight, neededRight } from '@pod-identity/crd-types';
import { inNmi } from '@pod-identity/kit/core';
import type { Denial } from '../authorize/types.ts';
import type { Outcome } from './outcome.ts';

type NoAccess = Extract<Denial, { readonly why: 'access-denied' }>;

/** Which right is missing, and the command that prints the roles that grant it: in JSON they could not be pasted. */
export function explainNoAccess({ identity, subject, targets, podWithoutMic }: NoAccess): string {
  if (subject.name !== '') {
    const thing = thingOf(identity);
    if (podWithoutMic === undefined) return missingRight(thing, subject, targets);
    return `${neededRight(thing, subject, targets)} A cluster administrator can grant it with ${rolesIn(identity, podWithoutMic)}`;
  }
  const names = targets.map(({ resource, names: [name] }) => `${resource} ${name}`).join(' and ');
  return `The pod has no ServiceAccount, so it cannot have the right that ${thingOf(identity)} needs: use of ${names}.`;
}

function rolesIn(identity: string, pod: string): string {
  // `nmi explain` does not know which machine it is.
  return identity === ''
    ? 'a ClusterRole and a ClusterRoleBinding: see docs/permissions.md'
    : `the roles that this prints: ${inNmi(`explain ${pod}`)}`;
}

export function explainUnanswered({
  identity,
  isLate,
}: Extract<Outcome, { readonly kind: 'access-unanswered' }>): string {
  if (isLate)
    return (
      `The API server has not said yet whether the ServiceAccount of the pod may use ${thingOf(identity)}: its answers take longer than ` +
      'a request waits. Try again.'
    );
  return (
    `The API server does not say at the moment whether the ServiceAccount of the pod may use ${thingOf(identity)}, and it has not said ` +
    'so within --access-grace. Try again.'
  );
}

function thingOf(identity: string): string {
  return identity === '' ? 'the identities of this machine' : `AzureIdentity ${identity}`;
}
