// Text of `mic access`: the right by which a ServiceAccount may use a target, or the roles that grant it.
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

function levelsOf({ resource }: AccessTarget): readonly string[] {
  if (resource === 'applications') return ['this application', 'its tenant'];
  if (resource === 'federatedidentities') return ['this identity', 'its tenant'];
  const one = resource === 'machines' ? 'this machine' : 'this identity';
  return [one, 'its resource group', 'its subscription'];
}
