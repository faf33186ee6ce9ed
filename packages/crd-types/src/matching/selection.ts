// Which pods a binding selects, and indexes to find the bindings of a pod.
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

/**
 * Alternative ways to index a binding; the first is the default. Each is a list of places, at least one of which every selected pod has
 * (`filedKeysOf`). Without a way the binding is broad: it must be compared with every pod.
 */
export function waysToFile({ spec }: AzureIdentityBinding): readonly (readonly string[])[] {
  const {
    selector,
    serviceAccountName,
    podSelector: { matchLabels = {}, matchExpressions = [] } = {},
  } = spec;
  const pairs = Object.entries(matchLabels).sort(([a], [b]) => (a < b ? -1 : 1));
  return [
    ...pairs.map(([key, value]) => [pairKey(key, value)]),
    ...matchExpressions.flatMap(({ key, operator, values = [] }) =>
      operator === 'In' ? [[...new Set(values)].map((value) => pairKey(key, value))] : [],
    ),
    ...(serviceAccountName === undefined ? [] : [[accountKey(serviceAccountName)]]),
    ...matchExpressions.flatMap(({ key, operator }) => (operator === 'Exists' ? [[keyOf(key)]] : [])),
    ...(selector === '' ? [] : [[pairKey(bindingLabel, selector)]]),
  ];
}

/**
 * Whether the binding must be compared with every pod, since its only conditions, if any, are `NotIn` and `DoesNotExist`.
 */
export function isBroad(binding: AzureIdentityBinding): boolean {
  return waysToFile(binding).length === 0;
}

/** The places of bindings that select the pod, except broad ones. */
export function* filedKeysOf({ labels, serviceAccount }: PodFacts): Generator<string> {
  yield accountKey(serviceAccount);
  for (const [key, value] of Object.entries(labels)) {
    yield pairKey(key, value);
    yield keyOf(key);
  }
}

// Places of different kinds are never equal: label keys contain neither an equals sign nor a space.
const pairKey = (key: string, value: string) => `${key}=${value}`;
const keyOf = (key: string) => key;
const accountKey = (name: string) => `account ${name}`;
