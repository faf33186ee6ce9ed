// What a review says of a ServiceAccount and a target: the right by which it may use it, or the roles that grant it.
import { accessGroup, rolesFor, type AccessSubject, type AccessTarget } from '@pod-identity/crd-types';
import type { NamesReview } from '@pod-identity/policy';

export function checkLines(
  subject: AccessSubject,
  target: AccessTarget,
  checked: NamesReview,
): readonly string[] {
  const who = `ServiceAccount ${subject.namespace}/${subject.name}`;
  const what = `${target.resource} ${target.names[0]}`;
  switch (checked.kind) {
    case 'allowed': {
      const name = target.names[checked.level] ?? '';
      return [
        `✓ ${who} may use ${what}`,
        `  by a right on ${levelsOf(target)[checked.level] ?? 'it'}: ${name}`,
      ];
    }
    case 'unanswered':
      return [`… whether ${who} may use ${what} is not known: ${checked.why ?? 'no answer'}`];
    case 'refused':
      return [
        `✗ ${who} may not use ${what}`,
        `  no ClusterRoleBinding gives it the verb use in ${accessGroup} on any of: ${target.names.join(', ')}`,
        '  to allow it, kubectl apply -f - with:',
        ...rolesFor({ subjects: [subject], targets: [target] })
          .yaml.trimEnd()
          .split('\n'),
      ];
  }
}

/** The exit code. 0: all are allowed; 1: one is not, or there is none; 2: the API server did not say of one, and refused none. */
export function accessCodeOf(kinds: ReadonlySet<NamesReview['kind']>): 0 | 1 | 2 {
  if (kinds.has('refused')) return 1;
  if (kinds.has('unanswered')) return 2;
  return kinds.has('allowed') ? 0 : 1;
}

function levelsOf({ resource }: AccessTarget): readonly string[] {
  if (resource === 'applications') return ['this application', 'its tenant'];
  if (resource === 'federatedidentities') return ['this identity', 'its tenant'];
  const one = resource === 'machines' ? 'this machine' : 'this identity';
  return [one, 'its resource group', 'its subscription'];
}
