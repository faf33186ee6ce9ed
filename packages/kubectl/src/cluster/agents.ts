// The pods of NMI.
import { coreKinds, type Fields, type KubeTransport } from '@pod-identity/kit/kube';
import { memberOf, stringAt } from '../../../mic/src/commands/plug-in.ts';
import { itemsOf, listAllowed, unknownOf } from './lists.ts';
import type { Installed, Services } from './services.ts';
import { arrayAt } from './workload.ts';

/** A pod of a DaemonSet of NMI. */
export interface AgentPod {
  readonly namespace: string;
  readonly name: string;
  readonly node: string;
  /** The name of NMI's container. */
  readonly container: string;
  readonly image: string;
  readonly isReady: boolean;
  /** Why it is not, as the kubelet says. */
  readonly why: string;
  readonly restarts: number;
  readonly isEnding: boolean;
  readonly isOriginal: boolean;
}

const text: Fields = { upTo: 1024 };
const fields: Fields = {
  members: {
    metadata: {
      members: { name: text, namespace: text, deletionTimestamp: text, ownerReferences: { upTo: 4096 } },
    },
    spec: { members: { nodeName: text, containers: { upTo: 64 * 1024 } } },
    status: { members: { conditions: { upTo: 16 * 1024 }, containerStatuses: { upTo: 32 * 1024 } } },
  },
};

interface Reading {
  readonly kube: KubeTransport;
  readonly signal: AbortSignal;
  /** Default: all nodes. */
  readonly node?: string;
}

export interface Agents {
  readonly pods: readonly AgentPod[];
  readonly unknown: readonly string[];
}

/** Those of all DaemonSets of NMI. */
export async function readAgents({ nmi }: Pick<Services, 'nmi'>, reading: Reading): Promise<Agents> {
  const lists = await Promise.all(nmi.map((installed) => agentsOf(installed, reading)));
  return {
    pods: lists.flatMap(itemsOf),
    unknown: lists.flatMap(unknownOf),
  };
}

/** Others may give their pods the same labels: the DaemonSet that owns a pod counts. */
function agentsOf(
  { namespace, name, object, isOriginal }: Installed<unknown>,
  { node, ...reading }: Reading,
) {
  const uid = stringAt(memberOf(object, 'metadata'), 'uid');
  return listAllowed({
    ...reading,
    kind: coreKinds.pods,
    namespace,
    labelSelector: selectorOf(object),
    ...(node !== undefined && { fieldSelector: `spec.nodeName=${node}` }),
    fields,
    trim: (pod) =>
      arrayAt(memberOf(pod, 'metadata'), 'ownerReferences').some((owner) => stringAt(owner, 'uid') === uid)
        ? { ...agentOf(pod, containerOf(object, name)), isOriginal }
        : undefined,
  });
}

function selectorOf(workload: unknown): string {
  const labels = memberOf(memberOf(memberOf(workload, 'spec'), 'selector'), 'matchLabels');
  return typeof labels === 'object' && labels !== null
    ? Object.entries(labels)
        .map(([key, value]) => `${key}=${String(value)}`)
        .join(',')
    : '';
}

/** The first one, as in the manifests: others may be beside it. */
function containerOf(workload: unknown, byDefault: string): string {
  const template = memberOf(memberOf(memberOf(workload, 'spec'), 'template'), 'spec');
  const names = arrayAt(template, 'containers').map((container) => stringAt(container, 'name'));
  return names.find((name) => name === 'nmi') ?? names[0] ?? byDefault;
}

function agentOf(pod: unknown, container: string): Omit<AgentPod, 'isOriginal'> {
  const [metadata, spec, status] = ['metadata', 'spec', 'status'].map((key) => memberOf(pod, key));
  const isNamed = (each: unknown) => stringAt(each, 'name') === container;
  const own = arrayAt(status, 'containerStatuses').find(isNamed);
  const ready = arrayAt(status, 'conditions').find((condition) => stringAt(condition, 'type') === 'Ready');
  const restarts = memberOf(own, 'restartCount');
  return {
    namespace: stringAt(metadata, 'namespace'),
    name: stringAt(metadata, 'name'),
    node: stringAt(spec, 'nodeName'),
    container,
    image: stringAt(arrayAt(spec, 'containers').find(isNamed), 'image'),
    isReady: stringAt(ready, 'status') === 'True',
    why: whyNot(memberOf(own, 'state')) || stringAt(ready, 'message'),
    restarts: typeof restarts === 'number' ? restarts : 0,
    isEnding: stringAt(metadata, 'deletionTimestamp') !== '',
  };
}

function whyNot(state: unknown): string {
  const waiting = memberOf(state, 'waiting');
  const [reason, message] = [stringAt(waiting, 'reason'), stringAt(waiting, 'message')];
  return message === '' ? reason : `${reason}: ${message}`;
}
