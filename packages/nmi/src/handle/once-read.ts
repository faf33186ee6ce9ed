import type { NodeNamespaces } from '../authorize/node-namespaces.ts';
import { followPod, type LatestPod } from './follow-pod.ts';
import type { Granter } from './grant.ts';
import { goneOf } from './release.ts';

/** Decides when the objects of the pod's namespace have been read: those of namespaces without pods on this node are not kept. */
export function grantOnceRead(
  granter: Granter,
  { whenRead, latest }: NodeNamespaces & { readonly latest: LatestPod },
): Granter {
  return {
    grant(call) {
      const { namespace } = call.pod;
      const read = whenRead(namespace, call.patience);
      if (read === true) return granter.grant(call);
      const current = followPod(call.pod, latest);
      return read.then((isRead) => {
        if (!isRead) return { kind: 'starting', unread: namespace };
        const pod = current();
        return pod ? granter.grant({ ...call, pod }) : goneOf(call);
      });
    },
  };
}
