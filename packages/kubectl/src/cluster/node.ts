// A node, and why a DaemonSet of NMI has no pod there.
import { parseProviderId, type Host } from '@pod-identity/crd-types';
import { shellWord, type Remedy } from '@pod-identity/policy';
import { keyOf, listAt, mapAt, nameOf, textAt } from './fields.ts';

export interface Taint {
  readonly key: string;
  readonly value?: string;
  readonly effect: string;
}

export interface NodeFacts {
  readonly name: string;
  /** Undefined: it is on no machine of Azure. */
  readonly host?: Host;
  readonly labels: Readonly<Record<string, string>>;
  readonly taints: readonly Taint[];
}

export function readNode(object: unknown): NodeFacts {
  const host = parseProviderId(textAt(object, 'spec.providerID'));
  return {
    name: nameOf(object).name,
    ...(host.ok && { host: host.value }),
    labels: mapAt(object, 'metadata.labels'),
    taints: listAt(object, 'spec.taints').map(readTaint),
  };
}

function readTaint(taint: unknown): Taint {
  const value = textAt(taint, 'value');
  return { key: textAt(taint, 'key'), ...(value !== '' && { value }), effect: textAt(taint, 'effect') };
}

/** A DaemonSet of NMI, as stored. */
export interface StoredDaemonSet {
  readonly namespace: string;
  readonly name: string;
  readonly object: unknown;
}

/** That whose nodeSelector the node fits, or else the first: a cluster may have one for each pool of nodes. */
export const daemonSetFor = <D extends StoredDaemonSet>(
  node: NodeFacts | undefined,
  daemonSets: readonly D[],
): D | undefined =>
  daemonSets.find((one) => node !== undefined && missingLabels(node, one).length === 0) ?? daemonSets[0];

/** `node`: undefined if it may not be read. */
export function whyNoAgent(node: NodeFacts | undefined, daemonSet: StoredDaemonSet): Remedy {
  const { namespace, name, object } = daemonSet;
  const missing = node === undefined ? [] : missingLabels(node, daemonSet);
  if (node !== undefined && missing.length > 0)
    return {
      text: `the node lacks labels of the nodeSelector of DaemonSet ${keyOf(daemonSet)}`,
      command: `kubectl label node ${node.name} --overwrite ${missing.map(shellWord).join(' ')}`,
    };
  const tolerations = listAt(object, 'spec.template.spec.tolerations');
  const repelling = (node?.taints ?? []).filter((taint) => repels(taint, tolerations));
  if (repelling.length === 0)
    return {
      text: 'its events say why (affinity, or no room)',
      command: `kubectl describe daemonset ${name} --namespace ${namespace}`,
    };
  const patch = { spec: { template: { spec: { tolerations: [{ operator: 'Exists' }] } } } };
  return {
    text: `the DaemonSet does not tolerate ${repelling.map(({ key }) => key).join(', ')}: let it tolerate all`,
    command: `kubectl patch daemonset ${name} --type merge --patch ${shellWord(JSON.stringify(patch))} --namespace ${namespace}`,
  };
}

function missingLabels({ labels }: NodeFacts, { object }: StoredDaemonSet): readonly string[] {
  return Object.entries(mapAt(object, 'spec.template.spec.nodeSelector'))
    .filter(([key, value]) => labels[key] !== value)
    .map(([key, value]) => `${key}=${value}`);
}

/** DaemonSets tolerate the taints of nodes that are not ready. */
function repels({ key, value = '', effect }: Taint, tolerations: readonly unknown[]): boolean {
  if (effect === 'PreferNoSchedule' || key.startsWith('node.kubernetes.io/')) return false;
  return !tolerations.some((toleration) => {
    const [ownKey, ownValue, ownEffect] = ['key', 'value', 'effect'].map((name) => textAt(toleration, name));
    const isAny = textAt(toleration, 'operator') === 'Exists';
    const fits = isAny ? ownKey === '' || ownKey === key : ownKey === key && ownValue === value;
    return fits && (ownEffect === '' || ownEffect === effect);
  });
}
