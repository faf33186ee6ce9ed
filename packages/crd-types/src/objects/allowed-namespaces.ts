import {
  namespacePattern,
  readLabelSelector,
  refuseOthers,
  selectsLabels,
  type Labels,
  type LabelSelector,
} from './label-selector.ts';
import { quote } from '../parsing/quote.ts';
import { addProblem, defined, isGiven, sectionAt, textsAt, warn, type Section } from '../parsing/section.ts';

/** Namespaces by name, and by labels. An empty selector selects all. */
export interface AllowedNamespaces {
  /** Namespaces by their exact name; the parsers refuse more than 64. */
  readonly names?: readonly string[];
  /** For the labels of the pod's Namespace, not of the pod. */
  readonly selector?: LabelSelector;
}

export const mostNamesAllowed = 64;

const namespaceName = /* @__PURE__ */ new RegExp(namespacePattern);

/** If the labels are unknown, only names count. */
export function allowsNamespace(
  { names = [], selector }: AllowedNamespaces,
  namespace: string,
  labels: Labels | undefined,
): boolean {
  if (names.includes(namespace)) return true;
  return selector !== undefined && labels !== undefined && selectsLabels(selector, labels);
}

/**
 * Prefix of labels on a Namespace that accept identities of another namespace. The rest of the key is the other namespace, the value
 * `true`: `identities-from.aadpodidentity.k8s.io/shared: "true"`. Without the label, objects of other namespaces do not affect its pods.
 */
export const acceptsLabelPrefix = 'identities-from.aadpodidentity.k8s.io/';

/** Whether a namespace with these labels accepts identities of the other one. */
export function acceptsNamespace(labels: Labels | undefined, other: string): boolean {
  return labels?.[`${acceptsLabelPrefix}${other}`] === 'true';
}

/** The namespaces whose identities a namespace with these labels accepts. */
export function acceptedNamespaces(labels: Labels | undefined): readonly string[] {
  return Object.keys(labels ?? {})
    .filter((key) => key.startsWith(acceptsLabelPrefix))
    .map((key) => key.slice(acceptsLabelPrefix.length))
    .filter((other) => acceptsNamespace(labels, other));
}

export function readAllowedNamespaces(spec: Section): AllowedNamespaces | undefined {
  if (!isGiven(spec, 'allowedNamespaces')) return undefined;
  const section = sectionAt(spec, 'allowedNamespaces');
  const names = textsAt(section, 'names');
  const selector = readLabelSelector(section, 'selector');
  const fault = namesFault(names ?? []);
  if (fault !== undefined) addProblem(section, 'names', fault);
  refuseOthers(section, ['names', 'selector']);
  const namesNone = names === undefined || names.length === 0;
  if (namesNone && selector === undefined)
    warn(spec, 'allowedNamespaces', 'allows no namespace: give it names or a selector');
  return defined({ names, selector });
}

function namesFault(names: readonly string[]): string | undefined {
  if (names.length > mostNamesAllowed)
    return `has more than ${mostNamesAllowed} namespaces: allow them by a label, with selector`;
  const bad = names.find((name) => !namespaceName.test(name));
  return bad === undefined ? undefined : `has ${quote(bad)}, which is the name of no namespace`;
}
