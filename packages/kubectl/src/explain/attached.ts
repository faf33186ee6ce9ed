// Whether the pod may act as one of its identities by now: what the judgement of status has found, and what holds.
import type { AzureIdentity } from '@pod-identity/crd-types';
import { info, ok, problem, waiting, type Finding } from '@pod-identity/policy';
import { keyOf } from '../cluster/fields.ts';
import { itemsOf } from '../cluster/lists.ts';
import type { ClusterRead, PodRead } from '../cluster/read-cluster.ts';
import type { Found } from '../judge/causes.ts';
import { isAssigned, recordsByPod } from '../judge/matching.ts';

export interface AttachedTo {
  readonly pod: PodRead;
  /** Without MIC: whoever runs the machines attaches. */
  readonly isManaged: boolean;
  /** By key of the AzureIdentity. */
  readonly uses: ReadonlyMap<string, readonly Found[]>;
}

export function attachedFindings(
  read: ClusterRead,
  { pod, isManaged, uses }: AttachedTo,
  identity: AzureIdentity,
): readonly Finding[] {
  const key = keyOf(identity.metadata);
  // NMI words rights itself.
  const found = (uses.get(key) ?? []).filter((cause) => !cause.key.startsWith('right ')).map(findingOf);
  if (identity.spec.type !== 0) return found.filter(({ topic }) => topic !== 'record');
  if (isManaged)
    return [
      info(
        'host',
        `whoever runs the machines attaches AzureIdentity ${key}: if it is not there, requests wait for it`,
      ),
    ];
  const node = itemsOf(read.nodes).find(({ name }) => name === pod.nodeName);
  if (node && node.host === undefined)
    return [
      problem('host', `AzureIdentity ${key} is a managed identity, which only an Azure host can carry`, {
        text: `run the pod on a node of Azure: ${node.name} is none`,
      }),
    ];
  const record = recordsByPod(read).get(keyOf(pod))?.get(key);
  return [
    ...(node?.host ? [ok('node', `${node.name} is the machine ${node.host.id}`)] : []),
    ...(isAssigned(record) ? [ok('record', `MIC has assigned AzureIdentity ${key}`)] : []),
    ...found,
  ];
}

const findingOf = ({ state, text, remedy }: Found): Finding =>
  state === 'waiting'
    ? waiting('record', text, remedy)
    : (state === 'problem' ? problem : waiting)('identity', text, remedy);
