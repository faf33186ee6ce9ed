// Which ServiceAccounts use which Azure identities in a cluster, by matching of all pods that have not finished.
import { type AccessSubject, type AccessTarget, type AzureIdentity } from '@pod-identity/crd-types';
import { targetsOf } from '@pod-identity/policy';
import { keyOf } from '../snapshot/keys.ts';
import type { ClusterIndex } from '../snapshot/index/cluster-index.ts';
import type { PodView } from '../snapshot/views.ts';

/** The uses of one pod. */
export interface Using {
  /** `namespace/name`. */
  readonly pod: string;
  /** Undefined: all identities of its machine, by an exception. */
  readonly identity?: AzureIdentity;
  readonly subject: AccessSubject;
  readonly by: string;
  readonly targets: readonly AccessTarget[];
  readonly problem?: string | undefined;
}

export function* identitiesInUse(index: ClusterIndex): Generator<Using> {
  for (const pod of livePods(index))
    for (const { identity } of index.matchSetOf(pod).matches)
      yield {
        ...useOf(pod, identity),
        ...targetsOf(identity),
      };
}

export function* livePods(index: ClusterIndex): Generator<PodView> {
  const hosts = [undefined, ...Array.from(index.hosts(), ({ id }) => id)];
  for (const key of hosts.flatMap((host) => [...index.podKeysOn(host)])) {
    const pod = index.pod(key);
    if (pod && !pod.finished) yield pod;
  }
}

function useOf(pod: PodView, identity: AzureIdentity): Pick<Using, 'pod' | 'subject' | 'identity' | 'by'> {
  const subject = { namespace: pod.namespace, name: pod.serviceAccount };
  return { pod: keyOf(pod), subject, identity, by: `AzureIdentity ${keyOf(identity.metadata)}` };
}
