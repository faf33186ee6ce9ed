// Reports objects that are left out because their namespace is over its share. What its pods miss may be among them: they are planned again
// and get that message.
import { createBudgets } from '@pod-identity/kit/core';
import type { HostQueue } from '../apply/host-queue.ts';
import type { ClusterIndex } from '../snapshot/index/cluster-index.ts';
import { namespaceOf } from '../snapshot/keys.ts';
import type { LeftOutView } from '../snapshot/watch/cluster-watch.ts';
import type { ConditionsWriter } from '../tell/conditions-writer.ts';
import type { Publisher } from '../tell/publisher.ts';
import { queueNameOf } from './loop.ts';

export interface LeftOutPorts {
  readonly leftOut: Pick<LeftOutView, 'notify'>;
  readonly index: Pick<ClusterIndex, 'markDirty' | 'podsIn' | 'homeOf'>;
  readonly objects: Pick<HostQueue, 'poke'>;
  readonly publisher: Pick<Publisher, 'publishLeftOut'>;
  readonly conditions: Pick<ConditionsWriter, 'concern'>;
  readonly now: () => number;
}

/** Of the pods of a namespace, for each kind: its editor can create and delete such objects without end. */
const plansOfNamespace = { burst: 1, perSecond: 1 / 600 };

/** Returns a function that ends it. */
export function reportAllLeftOut(ports: LeftOutPorts): () => void {
  const { leftOut, index, objects, publisher, conditions, now } = ports;
  const plans = createBudgets(plansOfNamespace);
  return leftOut.notify((kind, object) => {
    publisher.publishLeftOut(kind, object);
    conditions.concern(kind, [object.key]);
    const namespace = namespaceOf(object.key);
    if (!plans.take(`${kind} ${namespace}`, now())) return;
    const pods = index.podsIn(namespace);
    index.markDirty(pods);
    for (const host of new Set(pods.map((pod) => index.homeOf(pod)))) objects.poke(queueNameOf(host));
  });
}
