// The pods of NMI.
import { coreKinds } from '@pod-identity/kit/kube';
import { conditionOf, fieldAt, listAt, mapAt, nameOf, numberAt, textAt, type ObjectName } from './fields.ts';
import { itemsOf, listAllowed, unknownOf, type ClusterReader } from './lists.ts';
import type { Installed, Services } from './services.ts';

/** A pod of a DaemonSet of NMI. */
export interface AgentPod extends ObjectName {
  readonly node: string;
  /** The name of NMI's container. */
  readonly container: string;
  readonly isReady: boolean;
  /** Why it is not, as the kubelet says. */
  readonly why: string;
  readonly restarts: number;
}

/** `node`: default all nodes. */
type AgentReader = ClusterReader & { readonly node?: string };

export type Agents = Awaited<ReturnType<typeof readAgents>>;

/** Those of all DaemonSets of NMI. */
export async function readAgents({ nmi }: Pick<Services, 'nmi'>, reading: AgentReader) {
  const lists = await Promise.all(nmi.map((installed) => agentsOf(installed, reading)));
  return { pods: lists.flatMap(itemsOf), unknown: lists.flatMap(unknownOf) };
}

/** Others may give their pods the same labels: the DaemonSet that owns a pod counts. */
function agentsOf({ namespace, name, object }: Installed<unknown>, { node, ...reading }: AgentReader) {
  const uid = textAt(object, 'metadata.uid');
  return listAllowed({
    ...reading,
    kind: coreKinds.pods,
    namespace,
    labelSelector: selectorOf(object),
    ...(node !== undefined && { fieldSelector: `spec.nodeName=${node}` }),
    trim: (pod) =>
      listAt(pod, 'metadata.ownerReferences').some((owner) => textAt(owner, 'uid') === uid)
        ? agentOf(pod, containerOf(object, name))
        : undefined,
  });
}

const selectorOf = (workload: unknown): string =>
  Object.entries(mapAt(workload, 'spec.selector.matchLabels'))
    .map(([key, value]) => `${key}=${value}`)
    .join(',');

/** The first one, as in the manifests: others may be beside it. */
function containerOf(workload: unknown, byDefault: string): string {
  const names = listAt(workload, 'spec.template.spec.containers').map((one) => textAt(one, 'name'));
  return names.find((name) => name === 'nmi') ?? names[0] ?? byDefault;
}

function agentOf(pod: unknown, container: string): AgentPod {
  const own = listAt(pod, 'status.containerStatuses').find((each) => textAt(each, 'name') === container);
  const ready = conditionOf(pod, 'Ready');
  return {
    ...nameOf(pod),
    node: textAt(pod, 'spec.nodeName'),
    container,
    isReady: textAt(ready, 'status') === 'True',
    why: whyNot(fieldAt(own, 'state.waiting')) || textAt(ready, 'message'),
    restarts: numberAt(own, 'restartCount'),
  };
}

function whyNot(waiting: unknown): string {
  const [reason, message] = [textAt(waiting, 'reason'), textAt(waiting, 'message')];
  return message === '' ? reason : `${reason}: ${message}`;
}
