import type { PodView } from '../identify/pod-view.ts';
import type { AuthorizeRules, ClusterView } from './types.ts';

/**
 * Whether the pod deals with the machine's own identities, past all bindings, and why. Exempt is a pod that has any one of
 * the labels of any exception in its namespace: the value compares without case, as in the original. The controller is
 * known by namespace and service account, both exact: its name proves nothing, anybody may call a ReplicaSet `mic-…`.
 */
export function exemptionOf(
  pod: PodView,
  view: ClusterView,
  rules: AuthorizeRules,
): 'exempt' | 'controller' | undefined {
  const { namespace, serviceAccount } = rules.controller;
  if (serviceAccount !== '' && pod.namespace === namespace && pod.serviceAccount === serviceAccount)
    return 'controller';
  const isExempt = view
    .exceptionsIn(pod.namespace)
    .some(({ spec }) => Object.entries(spec.podLabels).some(([name, value]) => hasLabel(pod, name, value)));
  return isExempt ? 'exempt' : undefined;
}

function hasLabel(pod: PodView, name: string, value: string): boolean {
  return Object.hasOwn(pod.labels, name) && pod.labels[name]?.toLowerCase() === value.toLowerCase();
}
