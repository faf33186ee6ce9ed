// Reports objects that are left out because their namespace is over its share. What its pods miss may be among them: they are planned again
// and get that message.
import { createBudgets } from '@pod-identity/kit/core';
import type { HostQueue } from '../apply/host-queue.ts';
import type { ClusterIndex } from '../snapshot/index/cluster-index.ts';
import { namespaceOf } from '../snapshot/keys.ts';
import type { LeftOutView } from '../snapshot/watch/cluster-watch.ts';
import type { ConditionsWriter } from '../tell/conditions-writer.ts';
import type { Publish } from '../tell/events.ts';
import { reportLeftOut } from '../tell/report.ts';
import { queueNameOf } from './loop.ts';

export interface LeftOutPorts {
  readonly leftOut: Pick<LeftOutView, 'notify'>;
  readonly index: Pick<ClusterIndex, 'markDirty' | 'podsIn' | 'homeOf'>;
  readonly objects: Pick<HostQueue, 'poke'>;
  readonly publish: Publish;
  readonly conditions: Pick<ConditionsWriter, 'concern'>;
  readonly now: () => number;
}

/** Of the pods of a namespace, for each kind: its editor can create and delete such objects without end. */
const plansOfNamespace = { burst: 1, perSecond: 1 / 600 };
/** A list names 16 of each kind, and the next comes after minutes. A condition of the object says the same. */
const reportsOfNamespace = { burst: 64, perSecond: 0.2 };

/** Returns a function that ends it. */
export function reportAllLeftOut(ports: LeftOutPorts): () => void {
  const { leftOut, index, objects, publish, conditions, now } = ports;
  const plans = createBudgets(plansOfNamespace);
  const reports = createBudgets(reportsOfNamespace);
  return leftOut.notify((kind, object) => {
    const namespace = namespaceOf(object.key);
    if (reports.take(namespace, now())) publish(reportLeftOut(kind, object));
    conditions.concern(kind, [object.key]);
    if (!plans.take(`${kind} ${namespace}`, now())) return;
    const pods = index.podsIn(namespace);
    index.markDirty(pods);
    for (const host of new Set(pods.map((pod) => index.homeOf(pod)))) objects.poke(queueNameOf(host));
  });
}
