import { strictestMode, type AccessMode, type AzureIdentity } from '@pod-identity/crd-types';
import { modeForIdentity, targetsOf } from '@pod-identity/policy';
import { pairOf, type Access } from '../access/types.ts';
import type { PodView } from '../identify/pod-view.ts';
import type { AuthorizeRules, ClusterView } from './types.ts';

/** The access mode that applies to pods of this namespace. */
export function accessModeOf(
  namespace: string,
  view: Pick<ClusterView, 'namespaceOf'>,
  { identityAccess }: Pick<AuthorizeRules, 'identityAccess'>,
): AccessMode {
  return strictestMode(identityAccess, view.namespaceOf(namespace)?.access);
}

/**
 * The rights that the pod's ServiceAccount needs for a token of the identity; undefined: none, in mode `namespace`. A text says why no
 * right can be granted.
 */
export function accessToIdentity(
  pod: PodView,
  ofNamespace: AccessMode,
  identity: AzureIdentity,
): Access | string | undefined {
  const mode = modeForIdentity(identity, ofNamespace);
  if (mode === 'namespace') return undefined;
  const { targets, problem } = targetsOf(identity);
  const subject = subjectOf(pod);
  if (problem === undefined)
    return { mode, subject, pairs: targets.map((target) => pairOf(subject, target)) };
  return mode === 'rbac' ? `its ${problem}` : undefined;
}

/** The rights that an exempt pod's ServiceAccount needs. */
export function accessToMachine(pod: PodView, mode: AccessMode): Access | undefined {
  return mode === 'namespace' ? undefined : { mode, subject: subjectOf(pod), pairs: 'machine' };
}

function subjectOf({ namespace, serviceAccount }: PodView): Access['subject'] {
  return { namespace, name: serviceAccount };
}
