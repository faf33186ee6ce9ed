import { missingRight } from '@pod-identity/crd-types';
import type { Denial } from '../authorize/types.ts';
import type { Outcome } from './outcome.ts';

type NoAccess = Extract<Denial, { readonly why: 'access-denied' }>;

/** Which right is missing, and the command that prints the roles that grant it: in JSON they could not be pasted. */
export function explainNoAccess({ identity, subject, targets }: NoAccess): string {
  if (subject.name !== '') return missingRight(thingOf(identity), subject, targets);
  const names = targets.map(({ resource, names: [name] }) => `${resource} ${name}`).join(' and ');
  return `The pod has no ServiceAccount, so it cannot have the right that ${thingOf(identity)} needs: use of ${names}.`;
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
