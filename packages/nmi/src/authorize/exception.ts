import {
  hasAccount,
  type AccessMode,
  type AzurePodIdentityException,
  type Labels,
} from '@pod-identity/crd-types';
import type { PodView } from '../identify/pod-view.ts';
import type { Selector } from '../request/token-request.ts';
import { accessModeOf, accessToMachine } from './access-needed.ts';
import type { AuthorizeRules, ClusterView, Decision, InvalidException, OfMachine } from './types.ts';

export type Exemption = Pick<OfMachine, 'clientIds' | 'access'>;

/**
 * Whether the pod may use the machine's identities without bindings, and which of them. A pod is exempt if it has any label of any
 * exception in its namespace; values compare without case, as in the original. Several exceptions add up. No pod is exempt by its name,
 * and no exception counts for a pod without a ServiceAccount.
 */
export function exemptionOf(pod: PodView, view: ClusterView, rules: AuthorizeRules): Exemption | undefined {
  // Read once for all exceptions, since labels are parsed at each read.
  const { labels } = pod;
  const exceptions = view.exceptionsIn(pod.namespace).filter(({ spec }) => hasAnyOf(labels, spec.podLabels));
  const mode = accessModeOf(pod.namespace, view, rules);
  if (exceptions.length === 0 || !mayHaveExceptions(pod, mode, rules)) return undefined;
  const access = accessToMachine(pod, mode);
  return { clientIds: freedBy(exceptions), ...(access && { access }) };
}

/** An exempt pod may use the client ids of its exceptions. For other kinds of ids, the client id of the token is checked later. */
export function decideOnExempt({ clientIds, access }: Exemption, selector: Selector): Decision {
  const pass = (meant: Selector): Decision => ({
    kind: 'machine',
    selector: meant,
    clientIds,
    ...(access && { access }),
  });
  if (clientIds === undefined) return pass(selector);
  const offered = [...clientIds].sort();
  const [only = '', ...others] = offered;
  switch (selector.by) {
    case 'nothing':
      if (offered.length === 0) return { kind: 'deny', denial: { why: 'not-this-identity', offered } };
      return others.length === 0
        ? pass({ by: 'client-id', value: only })
        : { kind: 'deny', denial: { why: 'several-identities', offered } };
    case 'client-id':
      return clientIds.has(selector.value)
        ? pass(selector)
        : { kind: 'deny', denial: { why: 'not-this-identity', offered } };
    case 'object-id':
    case 'resource-id':
      return pass(selector);
  }
}

/**
 * An exception of the pod's namespace that is not valid and may be meant for the pod: one that has a label of the pod, else one whose
 * labels are not known; of several the first by name. Undefined also where no exception would count.
 */
export function invalidExceptionFor(
  pod: PodView,
  view: ClusterView,
  rules: AuthorizeRules,
): InvalidException | undefined {
  const all = view.invalidExceptionsIn(pod.namespace);
  if (all.length === 0) return undefined;
  if (!mayHaveExceptions(pod, accessModeOf(pod.namespace, view, rules), rules)) return undefined;
  const { labels } = pod;
  const named = all.filter(({ podLabels }) => podLabels !== undefined && hasAnyOf(labels, podLabels));
  return firstByName(named) ?? firstByName(all.filter(({ podLabels }) => podLabels === undefined));
}

function firstByName(all: readonly InvalidException[]): InvalidException | undefined {
  return all.reduce<InvalidException | undefined>(
    (first, one) => (first === undefined || one.name < first.name ? one : first),
    undefined,
  );
}

/** In mode `rbac` exceptions count in all namespaces, and the right on the machine decides. */
export function mayHaveExceptions(
  pod: Pick<PodView, 'namespace' | 'serviceAccount'>,
  mode: AccessMode,
  { exceptionNamespaces }: Pick<AuthorizeRules, 'exceptionNamespaces'>,
): boolean {
  if (!hasAccount(pod)) return false;
  const { namespace } = pod;
  return mode === 'rbac' || exceptionNamespaces.size === 0 || exceptionNamespaces.has(namespace);
}

export function hasAnyOf(labels: Labels, wanted: Labels): boolean {
  return Object.entries(wanted).some(
    ([name, value]) => Object.hasOwn(labels, name) && labels[name]?.toLowerCase() === value.toLowerCase(),
  );
}

/** Undefined: one of the exceptions allows all identities. */
function freedBy(exceptions: readonly AzurePodIdentityException[]): ReadonlySet<string> | undefined {
  const lists = exceptions.map(({ spec }) => spec.clientIDs);
  return lists.some((list) => list === undefined)
    ? undefined
    : new Set(lists.flatMap((list) => list ?? []).map((id) => id.toLowerCase()));
}
