import { accessTargetKey, missingRight, rolesFor } from '@pod-identity/crd-types';
import { RecentMap } from '@pod-identity/kit/core';
import type { Denial } from '../authorize/types.ts';
import type { Outcome } from './outcome.ts';

type NoAccess = Extract<Denial, { readonly why: 'access-denied' }>;

/** Programs repeat refused requests, and the text with its roles takes longer to make than all else of a response. */
const textsKept = 64;
const texts = new RecentMap<string, string>(textsKept);

/** Which right is missing, in one line; from the second line on the roles that grant it, to paste. */
export function explainNoAccess(denial: NoAccess): string {
  const { identity, subject, targets } = denial;
  const key = [identity, subject.namespace, subject.name, ...targets.map(accessTargetKey)].join(' ');
  const text = texts.get(key) ?? noAccessText(denial);
  texts.set(key, text);
  return text;
}

function noAccessText({ identity, subject, targets }: NoAccess): string {
  const names = targets.map(({ resource, names: [name] }) => `${resource} ${name}`).join(' and ');
  if (subject.name === '')
    return `The pod has no ServiceAccount, so it cannot have the right that ${thingOf(identity)} needs: use of ${names}.`;
  const { yaml } = rolesFor({ subjects: [subject], targets });
  return `${missingRight(thingOf(identity), subject, targets)}\n${yaml}`;
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
