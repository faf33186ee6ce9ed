// Views for the start-up taint: nodes that have it, and the pods of NMI's DaemonSet.
import type { AgentView, TaintedNode } from './views.ts';
import { instantOf, isFinished, listAt, memberOf, stringAt } from './raw-object.ts';

export interface DaemonSetName {
  readonly namespace: string;
  readonly name: string;
}

/** Undefined if the node does not have the taint. */
export function taintedNode(raw: unknown, key: string): TaintedNode | undefined {
  const taints = listAt(memberOf(raw, 'spec'), 'taints');
  if (!taints.some((taint) => stringAt(taint, 'key') === key)) return undefined;
  const metadata = memberOf(raw, 'metadata');
  return {
    name: stringAt(metadata, 'name'),
    uid: stringAt(metadata, 'uid'),
    createdAt: instantOf(stringAt(metadata, 'creationTimestamp')),
  };
}

/**
 * Undefined for pods that the DaemonSet does not control. Labels are not sufficient: anyone may set them on a pod of a namespace of
 * their own. Whoever may create pods in NMI's namespace can set such an owner reference, so that namespace must belong to
 * administrators.
 */
export function agentPod(raw: unknown, { namespace, name }: DaemonSetName): AgentView | undefined {
  const metadata = memberOf(raw, 'metadata');
  const nodeName = stringAt(memberOf(raw, 'spec'), 'nodeName');
  const isOurs = listAt(metadata, 'ownerReferences').some(
    (owner) =>
      memberOf(owner, 'controller') === true &&
      stringAt(owner, 'apiVersion').startsWith('apps/') &&
      stringAt(owner, 'kind') === 'DaemonSet' &&
      stringAt(owner, 'name') === name,
  );
  if (!isOurs || nodeName === '' || stringAt(metadata, 'namespace') !== namespace) return undefined;
  const readyAt = readySince(raw);
  return {
    name: stringAt(metadata, 'name'),
    nodeName,
    createdAt: instantOf(stringAt(metadata, 'creationTimestamp')),
    ...(readyAt !== undefined && { readyAt }),
    ending: stringAt(metadata, 'deletionTimestamp') !== '' || isFinished(raw),
  };
}

function readySince(raw: unknown): number | undefined {
  const ready = listAt(memberOf(raw, 'status'), 'conditions').find(
    (condition) => stringAt(condition, 'type') === 'Ready' && stringAt(condition, 'status') === 'True',
  );
  return ready === undefined ? undefined : instantOf(stringAt(ready, 'lastTransitionTime'));
}
