// Whether the machine has an identity of the pod, by what MIC wrote: its record of the pod, and its condition of the AzureIdentity.
import { nodeLabel, type AzureIdentity } from '@pod-identity/crd-types';
import { info, ok, problem, waiting, type Finding } from '@pod-identity/policy';
import { saysAssigned, type AssignedView } from '../../../mic/src/commands/plug-in.ts';
import { keyOf, type ObjectName } from '../cluster/fields.ts';
import { itemsOf } from '../cluster/lists.ts';
import type { NodeFacts } from '../cluster/node.ts';
import type { ClusterRead } from '../cluster/read-cluster.ts';

export interface AttachedTo {
  readonly pod: ObjectName;
  readonly nodeName: string;
  /** Without MIC: whoever runs the machines attaches. */
  readonly isManaged: boolean;
}

export function attachedFindings(
  read: ClusterRead,
  { pod, nodeName, isManaged }: AttachedTo,
  identity: AzureIdentity,
): readonly Finding[] {
  const key = keyOf(identity.metadata);
  if (isManaged)
    return [
      info(
        'host',
        `whoever runs the machines attaches AzureIdentity ${key}: if it is not there, requests wait for it`,
      ),
    ];
  const machine = machineOf(
    itemsOf(read.nodes).find(({ name }) => name === nodeName),
    key,
  );
  return machine?.verdict === 'problem'
    ? [machine]
    : [...(machine ? [machine] : []), ...byMic(read, pod, key)];
}

function byMic(read: ClusterRead, pod: ObjectName, key: string): readonly Finding[] {
  const record = recordOf(read, pod, key);
  const condition = conditionOf(read, key);
  if (record === undefined) return [condition ?? withoutRecord(read, key)];
  const found = recordFinding(keyOf(record), record);
  if (found.verdict !== 'ok') return [condition ?? found];
  // Any other condition is about another machine, since the pod has its identity; a wrong client id is so on each.
  const isWrong = readyOf(read, key)?.reason === 'ClientIDMismatch';
  return isWrong && condition ? [found, condition] : [found];
}

const readyOf = ({ identities }: ClusterRead, key: string) =>
  itemsOf(identities).find(({ view }) => view.key === key)?.ready;

/** What MIC says of the AzureIdentity as it is now. */
function conditionOf(read: ClusterRead, key: string): Finding | undefined {
  const ready = readyOf(read, key);
  if (ready?.status !== 'False' || ready.isOutdated) return undefined;
  // Rights are judged as they are now: one that is missing is a problem of its own.
  if (ready.reason === 'AccessDenied')
    return waiting(
      'record',
      `the right to use AzureIdentity ${key} is granted; MIC looks again within 5 minutes`,
    );
  return conditionFinding(key, ready.message);
}

const withoutRecord = ({ records }: ClusterRead, key: string): Finding =>
  records.kind === 'not-read' && records.why === 'denied'
    ? waiting('record', `what MIC has assigned is not known: ${records.text}`)
    : waiting('record', `MIC has not assigned AzureIdentity ${key} yet`);

const recordOf = ({ records }: ClusterRead, { namespace, name }: ObjectName, identity: string) =>
  itemsOf(records).find(
    (one) => one.podNamespace === namespace && one.podName === name && one.identity === identity,
  );

/** Undefined: the node may not be read. */
function machineOf(node: NodeFacts | undefined, identity: string): Finding | undefined {
  if (node === undefined) return undefined;
  return node.host === undefined
    ? problem('host', `AzureIdentity ${identity} is a managed identity, which only an Azure host can carry`, {
        text: `run the pod on a node of Azure: ${node.name} is none`,
      })
    : ok('node', `${node.name} is the machine ${node.host.id}`);
}

/** Nothing of it is to be pasted: editors may be able to write conditions. */
const conditionFinding = (identity: string, message: string): Finding =>
  problem('host', `AzureIdentity ${identity}: ${message.split('\n', 1)[0] ?? ''}`);

function recordFinding(key: string, view: AssignedView): Finding {
  if (view.isMislabelled) {
    const label = `${nodeLabel}=${view.nodeName}`;
    const text = `AzureAssignedIdentity ${key} lacks the label ${label}, by which NMI asks for it`;
    return waiting('record', text);
  }
  const state = view.state === '' ? 'usable (without a state)' : view.state;
  return saysAssigned(view)
    ? ok('record', `AzureAssignedIdentity ${key} is ${state}`)
    : waiting('record', `AzureAssignedIdentity ${key} is ${view.state}`);
}
