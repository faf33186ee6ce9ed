// Why a pod has no identity, as causes that it shares with others.
import { bindingLabel, bindingLabelOf, type AzureIdentity, type Mismatch } from '@pod-identity/crd-types';
import { nearest } from '@pod-identity/kit/core';
import {
  explainMismatch,
  missingRightFinding,
  shellWord,
  targetsOf,
  unboundBy,
  unboundFinding,
  type Lookup,
  type MissingRight,
} from '@pod-identity/policy';
import type { AssignedView } from '../../../mic/src/commands/plug-in.ts';
import { keyOf } from '../cluster/fields.ts';
import type { PodRead } from '../cluster/read-cluster.ts';
import { clusterProblem, editorProblem, type Found } from './causes.ts';

/** Among so many selectors a near one is looked for: an editor can write any number. */
const mostSelectors = 100;

/** One cause for all pods of the namespace that it concerns in the same way. */
export function mismatchCause(pod: PodRead, mismatch: Mismatch, { selectors = [], copies }: Lookup): Found {
  const label = bindingLabelOf(pod) ?? '';
  const known = { label, faultOf: () => undefined, labelsFault: undefined };
  const unbound = unboundBy(mismatch, known);
  const lookup = { selectors: selectors.slice(0, mostSelectors), copies };
  const { text, remedy } = unbound
    ? unboundFinding(keyOf(pod), unbound, lookup)
    : explainMismatch(keyOf(pod), mismatch, known);
  const key = `unbound ${pod.namespace} ${text}`;
  return editorProblem({
    key,
    text: `${text.replaceAll('the pod', 'pods')} (namespace ${pod.namespace})`,
    remedy,
  });
}

/** `identity`: undefined for the machine's. */
export function rightless(
  { namespace, serviceAccount }: PodRead,
  identity: AzureIdentity | undefined,
  targets: Pick<MissingRight, 'targets' | 'problem'> = identity ? targetsOf(identity) : { targets: [] },
): Found {
  const subject = { namespace, name: serviceAccount };
  const name = identity === undefined ? '' : keyOf(identity.metadata);
  const { text, remedy } = missingRightFinding({ identity: name, subject, ...targets }, 'rbac');
  const objects = [`ServiceAccount ${keyOf(subject)}`, ...(name === '' ? [] : [`AzureIdentity ${name}`])];
  return clusterProblem({ key: `right ${keyOf(subject)} ${name}`, text, objects, remedy });
}

export function unassigned(pod: PodRead, identity: string, record: AssignedView | undefined): Found {
  const what = `AzureIdentity ${identity}`;
  const text =
    pod.nodeName === ''
      ? `pods that may act as ${what} have no node yet`
      : record === undefined
        ? `MIC has not assigned ${what} yet`
        : record.isMislabelled === true
          ? `the record of ${what} lacks the label by which NMI asks for it: MIC corrects it`
          : `${what} is ${record.state}, not yet Assigned`;
  return {
    ...clusterProblem({ key: `unassigned ${text}`, text, objects: [what] }),
    state: 'waiting',
    actor: 'nobody',
  };
}

export function misspeltLabel({ namespace, name, labels }: PodRead): Found | undefined {
  const keys = Object.keys(labels);
  const key =
    keys.find((label) => nearMisses.has(label.toLowerCase())) ??
    keys.find((label) => nearest(label, [bindingLabel]) !== undefined);
  if (key === undefined) return undefined;
  const wanted = shellWord(`${bindingLabel}=${labels[key] ?? ''}`);
  return editorProblem({
    key: `label ${namespace} ${key}`,
    text: `pods of namespace ${namespace} have the label ${key}, and ${bindingLabel} is probably meant`,
    remedy: {
      text: 'correct it, in the template of the pods too',
      command: `kubectl label pod ${name} --namespace ${namespace} ${wanted} ${shellWord(key)}-`,
    },
  });
}

/** Kinds of the group, and what the project is called: more than a letter off. */
const nearMisses: ReadonlySet<string> = new Set([
  'aadpodidentitybinding',
  'aadpodidentity',
  'aad-pod-identity-binding',
  'aad-pod-id-binding',
  'podidentitybinding',
]);
