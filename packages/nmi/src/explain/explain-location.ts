import { hasAccount } from '@pod-identity/crd-types';
import { info, ok, problem, waiting, type Finding } from '@pod-identity/policy';
import { identifyPod } from '../identify/identify-pod.ts';
import type { Failure } from '../respond/refusals.ts';
import type { ExplainWorld } from './world.ts';

/** Where the pod is, and whether its calls can be identified. */
export interface PodLocation {
  readonly findings: readonly Finding[];
  /** The outcome of all its calls; undefined: they are identified. */
  readonly failure?: Failure;
}

export function explainLocation(world: ExplainWorld): PodLocation {
  const { pod } = world;
  const { phase, nodeName, serviceAccount } = pod;
  if (nodeName === '')
    return { findings: [waiting('pod', 'no node has been chosen for it yet')], failure: unknown('') };
  if (phase !== 'Running' && phase !== 'Pending') {
    const text = `has ended (${phase}): its address is no longer its own`;
    return { findings: [problem('pod', text)], failure: unknown(pod.addresses[0] ?? '') };
  }
  const account = hasAccount(pod) ? ` with service account ${serviceAccount}` : '';
  const at = ok('pod', `${phase} on ${nodeName}${account}`);
  const ending = pod.isEnding
    ? [info('pod', 'is being deleted: it gets tokens while its containers live')]
    : [];
  if (pod.isOnHostNetwork)
    return { findings: [at, ...ending, onHostNetwork], failure: unknown('of the node') };
  const location = explainAddresses(world);
  return { ...location, findings: [at, ...ending, ...location.findings] };
}

function explainAddresses(world: ExplainWorld): PodLocation {
  const { pod } = world;
  if (pod.addresses.length === 0) return { findings: [waiting('address', noneYet)], failure: unknown('') };
  const addresses = pod.addresses.map((address) => explainAddress(address, world));
  const failure = addresses.find((address) => address.failure !== undefined)?.failure;
  const findings = addresses.flatMap((address) => address.findings);
  return failure === undefined ? { findings } : { findings, failure };
}

const noneYet =
  'it has none yet, or (kubelets before 1.29) its kubelet reports no running container: its calls are held until the API server knows it';

const onHostNetwork = info(
  'address',
  'it uses the network of its node: its calls cannot be told from the node’s',
  {
    text: 'take hostNetwork: true out of the pod, or let a program of the node name it at /host/token (NMI flag --enable-host-token)',
  },
);

function unknown(address: string): Failure {
  return { kind: 'unknown-caller', address };
}

function explainAddress(address: string, { pod, neighbours, now }: ExplainWorld): PodLocation {
  const holder = identifyPod(
    neighbours.filter(({ addresses }) => addresses.includes(address)),
    now,
  );
  if (holder.kind === 'pod' && holder.pod.uid === pod.uid)
    return { findings: [ok('address', `${address} is the pod’s alone`)] };
  if (holder.kind === 'ambiguous') {
    const others = holder.pods.filter(({ uid }) => uid !== pod.uid).map(({ key }) => key);
    const remedy = {
      text: 'delete the one that no longer runs; until then nobody with this address gets a token',
    };
    return {
      findings: [problem('address', `${address} is also that of ${others.join(', ')}`, remedy)],
      failure: { kind: 'ambiguous-caller', address, pods: [] },
    };
  }
  const holderText =
    holder.kind === 'pod' ? `${address} is that of ${holder.pod.key} now` : `${address} is no live pod’s`;
  return { findings: [problem('address', holderText)], failure: unknown(address) };
}
