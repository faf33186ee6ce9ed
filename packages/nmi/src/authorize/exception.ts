import type { AzurePodIdentityException } from '@pod-identity/crd-types';
import type { PodView } from '../identify/pod-view.ts';
import type { AuthorizeRules, ClusterView, ControllerPods, PassThrough } from './types.ts';

export type Exemption = Pick<PassThrough, 'why' | 'clientIds'>;

/**
 * Whether the pod deals with the machine's own identities, past all bindings, and which of them. Exempt is a pod that has any
 * one of the labels of any exception in its namespace: the value compares without case, as in the original. What several
 * exceptions free adds up. Nothing is exempt by a name of its own: the controller is what the administrator stated, and nothing
 * by default.
 */
export function exemptionOf(pod: PodView, view: ClusterView, rules: AuthorizeRules): Exemption | undefined {
  if (rules.controller && isController(pod, rules.controller))
    return { why: 'controller', clientIds: undefined };
  const exceptions = view.exceptionsIn(pod.namespace).filter((exception) => isFor(exception, pod));
  return exceptions.length === 0 ? undefined : { why: 'exempt', clientIds: freedBy(exceptions) };
}

function isController(pod: PodView, { namespace, serviceAccount, labels }: ControllerPods): boolean {
  return (
    pod.namespace === namespace &&
    pod.serviceAccount === serviceAccount &&
    Object.entries(labels).every(
      ([name, value]) => Object.hasOwn(pod.labels, name) && pod.labels[name] === value,
    )
  );
}

function isFor({ spec }: AzurePodIdentityException, pod: PodView): boolean {
  return Object.entries(spec.podLabels).some(([name, value]) => hasLabel(pod, name, value));
}

function hasLabel(pod: PodView, name: string, value: string): boolean {
  return Object.hasOwn(pod.labels, name) && pod.labels[name]?.toLowerCase() === value.toLowerCase();
}

/** Undefined: one of them frees every identity. */
function freedBy(exceptions: readonly AzurePodIdentityException[]): ReadonlySet<string> | undefined {
  const lists = exceptions.map(({ spec }) => spec.clientIDs);
  return lists.some((list) => list === undefined)
    ? undefined
    : new Set(lists.flatMap((list) => list ?? []).map((id) => id.toLowerCase()));
}
