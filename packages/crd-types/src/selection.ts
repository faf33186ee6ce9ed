// Which pods a binding selects, and by what few of them are found among many.
import type { AzureIdentityBinding } from './azure-identity-binding.ts';
import { bindingLabel } from './group.ts';
import { isEmptySelector, labelOf, selectorText, selectsLabels, type Labels } from './label-selector.ts';

/** What matching looks at of a pod. */
export interface PodFacts {
  readonly namespace: string;
  readonly labels: Labels;
  /** The name of its ServiceAccount. */
  readonly serviceAccount: string;
  /** Not all labels are known: no `podSelector` is taken to hold. */
  readonly isPartial?: true;
}

/** The pod's binding label; undefined when it has none. */
export function bindingLabelOf({ labels }: Pick<PodFacts, 'labels'>): string | undefined {
  return labelOf(labels, bindingLabel);
}

/** Whether the binding asks for more than the label: then it is for pods of its own namespace alone. */
export function hasOwnConditions({ spec }: AzureIdentityBinding): boolean {
  return spec.podSelector !== undefined || spec.serviceAccountName !== undefined;
}

/** Whether all that the binding asks for holds for a pod of its own namespace. One that asks for nothing selects nothing. */
export function selectsPod(binding: AzureIdentityBinding, pod: PodFacts): boolean {
  const { selector, podSelector = {}, serviceAccountName = '' } = binding.spec;
  if (selector === '' && serviceAccountName === '' && isEmptySelector(podSelector)) return false;
  return (selector === '' || selector === bindingLabelOf(pod)) && failedCondition(binding, pod) === undefined;
}

/** What of the binding beside its `selector` doesn't hold for the pod. */
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

/**
 * What the binding asks for, in words.
 *
 * @example
 * ```ts
 * describeSelection(binding); // the label aadpodidbinding=demo, podSelector app=web, serviceAccountName shop
 * ```
 */
export function describeSelection({ spec }: AzureIdentityBinding): string {
  const { selector, podSelector, serviceAccountName } = spec;
  return [
    ...(selector === '' ? [] : [`the label ${bindingLabel}=${selector}`]),
    ...(podSelector === undefined ? [] : [`podSelector ${selectorText(podSelector)}`]),
    ...(serviceAccountName === undefined ? [] : [`serviceAccountName ${serviceAccountName}`]),
  ].join(', ');
}

/**
 * The ways to file a binding, the first one where none is better: each is a list of places, and
 * a pod that it selects looks at one of them at least (`placesOf`). No way: the binding is broad, every pod must be held
 * against it.
 */
export function waysToFile({ spec }: AzureIdentityBinding): readonly (readonly string[])[] {
  const {
    selector,
    serviceAccountName,
    podSelector: { matchLabels = {}, matchExpressions = [] } = {},
  } = spec;
  const pairs = Object.entries(matchLabels).sort(([a], [b]) => (a < b ? -1 : 1));
  return [
    ...pairs.map(([key, value]) => [pairPlace(key, value)]),
    ...matchExpressions.flatMap(({ key, operator, values = [] }) =>
      operator === 'In' ? [[...new Set(values)].map((value) => pairPlace(key, value))] : [],
    ),
    ...(serviceAccountName === undefined ? [] : [[accountPlace(serviceAccountName)]]),
    ...matchExpressions.flatMap(({ key, operator }) => (operator === 'Exists' ? [[keyPlace(key)]] : [])),
    ...(selector === '' ? [] : [[pairPlace(bindingLabel, selector)]]),
  ];
}

/** Whether any pod must be held against the binding: it asks for nothing but what pods must not have. */
export function isBroad(binding: AzureIdentityBinding): boolean {
  return waysToFile(binding).length === 0;
}

/** Where bindings that select the pod are filed; not those that are broad. */
export function* placesOf({ labels, serviceAccount }: PodFacts): Generator<string> {
  yield accountPlace(serviceAccount);
  for (const [key, value] of Object.entries(labels)) {
    yield pairPlace(key, value);
    yield keyPlace(key);
  }
}

// No two of different kinds are equal: keys of labels have no equals sign, and no space.
const pairPlace = (key: string, value: string) => `${key}=${value}`;
const keyPlace = (key: string) => key;
const accountPlace = (name: string) => `account ${name}`;
