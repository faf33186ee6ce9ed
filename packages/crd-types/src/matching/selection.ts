// Which pods a binding selects.
import type { AzureIdentityBinding } from '../objects/azure-identity-binding.ts';
import { bindingLabel } from '../parsing/group.ts';
import {
  isEmptySelector,
  labelOf,
  selectorText,
  selectsLabels,
  type Labels,
} from '../objects/label-selector.ts';

/** The properties of a pod that matching uses. */
export interface PodFacts {
  /** `metadata.namespace` of the pod. */
  readonly namespace: string;
  /** `metadata.labels` of the pod; empty if it has none. With `isPartial`, only some of them. */
  readonly labels: Labels;
  /** Name of its ServiceAccount; empty if it has none: then it gets no identity. */
  readonly serviceAccount: string;
  /** Whether labels are missing: then no `podSelector` matches. */
  readonly isPartial?: true;
}

/**
 * Whether the pod has a ServiceAccount: only then can it have an identity, by a binding or by an exception. The kubelet of any node can create
 * pods in any namespace, the mirror pods of static pods, but none with a ServiceAccount (admission plugins NodeRestriction and ServiceAccount);
 * all other pods have one.
 */
export function hasAccount({ serviceAccount }: Pick<PodFacts, 'serviceAccount'>): boolean {
  return serviceAccount !== '';
}

/** The pod's binding label, if any. */
export function bindingLabelOf({ labels }: Pick<PodFacts, 'labels'>): string | undefined {
  return labelOf(labels, bindingLabel);
}

/** Whether the binding has conditions besides the label: then it selects pods of its own namespace only. */
export function hasOwnConditions({ spec }: AzureIdentityBinding): boolean {
  return spec.podSelector !== undefined || spec.serviceAccountName !== undefined;
}

/** Whether a pod of the binding's namespace meets all its conditions. A binding without conditions selects nothing. */
export function selectsPod(binding: AzureIdentityBinding, pod: PodFacts): boolean {
  const { selector, podSelector = {}, serviceAccountName = '' } = binding.spec;
  if (selector === '' && serviceAccountName === '' && isEmptySelector(podSelector)) return false;
  return (selector === '' || selector === bindingLabelOf(pod)) && failedCondition(binding, pod) === undefined;
}

/** The condition besides `selector` that the pod does not meet. */
export function failedCondition(
  { spec }: AzureIdentityBinding,
  { labels, serviceAccount, isPartial }: PodFacts,
): 'podSelector' | 'serviceAccountName' | undefined {
  const { podSelector, serviceAccountName } = spec;
  if (serviceAccountName !== undefined && serviceAccountName !== serviceAccount) return 'serviceAccountName';
  if (podSelector !== undefined && (isPartial === true || !selectsLabels(podSelector, labels)))
    return 'podSelector';
  return undefined;
}

/** The conditions of the binding as text. */
export function describeSelection({ spec }: AzureIdentityBinding): string {
  const { selector, podSelector, serviceAccountName } = spec;
  return [
    ...(selector === '' ? [] : [`the label ${bindingLabel}=${selector}`]),
    ...(podSelector === undefined ? [] : [`podSelector ${selectorText(podSelector)}`]),
    ...(serviceAccountName === undefined ? [] : [`serviceAccountName ${serviceAccountName}`]),
  ].join(', ');
}
