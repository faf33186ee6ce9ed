// Remedies that need what only whoever explains a pod can look up: pods and Events are told less.
import { bindingLabel, type AzureIdentity, type AzureIdentityBinding } from '@pod-identity/crd-types';
import { nearest } from '@pod-identity/kit/core';
import { shellWord } from './shell-word.ts';

/** What whoever explains the pod can look up, so that a remedy needs no completion. */
export interface Lookup {
  /** The selectors of the bindings of the pod's namespace. */
  readonly selectors?: readonly string[];
  /** The AzureIdentity and the binding that are in another namespace, as objects for the namespace of the pod. */
  readonly copies?: readonly Copy[] | undefined;
}

export interface Copy {
  readonly apiVersion: string;
  readonly kind: string;
  readonly metadata: { readonly name: string; readonly namespace: string };
  readonly spec: object;
}

/** None of a service principal: its Secret is in the other namespace, too. */
export function copiesFor(
  namespace: string,
  identity: AzureIdentity | undefined,
  binding: AzureIdentityBinding | undefined,
): Lookup['copies'] {
  if (!identity || !binding || identity.spec.type === 1 || identity.spec.type === 2) return undefined;
  const { type, resourceID, clientID, tenantID } = identity.spec;
  return [{ ...identity, spec: { type, resourceID, clientID, tenantID } }, binding].map(
    ({ apiVersion, kind, metadata: { name }, spec }) => ({
      apiVersion,
      kind,
      metadata: { name, namespace },
      spec,
    }),
  );
}

/** Parts of a remedy. */
interface Steps {
  readonly steps?: string;
  readonly paste?: string;
  readonly command?: string;
}

/** For a pod whose label is the selector of no binding. */
export function relabel(pod: string, label: string, { selectors = [] }: Lookup = {}): Steps {
  const meant = nearest(label, selectors);
  if (meant === undefined)
    return {
      steps: 'create one, or change the pod’s label; selectors are compared as a whole and with case',
      command: 'kubectl get azureidentitybindings --all-namespaces',
    };
  return {
    steps: `'${meant}' is probably meant: change the label, in the template of the pod too`,
    command: labelCommand(pod, meant),
  };
}

export function copyInto({ copies }: Lookup = {}): Steps {
  if (copies === undefined) return {};
  return {
    steps: 'create both in the namespace of the pod: kubectl apply -f - with what follows',
    paste: copies.map(yamlOf).join('---\n'),
  };
}

/** JSON is YAML: what editors wrote stays within its quotes. */
const yamlOf = ({ apiVersion, kind, metadata, spec }: Copy) =>
  `apiVersion: ${apiVersion}\nkind: ${kind}\nmetadata: ${JSON.stringify(metadata)}\nspec: ${JSON.stringify(spec)}\n`;

/** The value may be a selector, which editors write: the API server takes any text for one. */
export function labelCommand(pod: string, value: string): string {
  const [namespace = '', name = ''] = pod.split('/');
  return `kubectl label pod ${name} --namespace ${namespace} --overwrite ${shellWord(`${bindingLabel}=${value}`)}`;
}
