import type { NodeNamespaces } from '../authorize/node-namespaces.ts';
import { andThen } from './and-then.ts';
import type { Granter } from './grant.ts';

/** Decides when the objects of the pod's namespace have been read: those of namespaces without pods on this node are not kept. */
export function grantOnceRead(granter: Granter, { whenRead }: NodeNamespaces): Granter {
  return {
    grant(question) {
      const { namespace } = question.pod;
      return andThen(whenRead(namespace, question.patience), (isRead) =>
        isRead ? granter.grant(question) : { kind: 'starting', unread: namespace },
      );
    },
  };
}
