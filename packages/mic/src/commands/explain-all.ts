// What `mic explain` would print for many pods at once, from one reading of the cluster and from what MIC wrote down; Azure is not asked.
import type { AccessMode } from '@pod-identity/crd-types';
import { createAccessReviewer } from '@pod-identity/kit/kube';
import { PairRegistry, pairsPerNamespace } from '../access/pair-registry.ts';
import { Mirror } from '../apply/mirror.ts';
import { createAssignedIdentityReader } from '../apply/assigned-identity-reader.ts';
import { factsFromRecord } from '../snapshot/facts/host-facts.ts';
import type { AccessGroup } from '../snapshot/index/rights.ts';
import { namespaceOf } from '../snapshot/keys.ts';
import { explainPod, type Explanation } from '../tell/explain-pod.ts';
import { lookAtCluster, type ClusterRules, type Looking } from './look.ts';
import { readRecords } from './explain.ts';
import { reviewPod } from './review-pod.ts';

export interface ManyPods extends Looking {
  /** `namespace/name`. Pods that are not there, or have no label, are left out. */
  readonly pods: readonly string[];
  /** MIC's matching rules, and its namespace. */
  readonly rules: Omit<ClusterRules, 'access'> & { readonly namespace: string | undefined };
  readonly accessMode: AccessMode;
}

/** Throws KubeError if whoever asks may not list what MIC lists. */
export async function explainPods(given: ManyPods): Promise<readonly Explanation[]> {
  const { pods, transport, clock, signal } = given;
  const registry = new PairRegistry<AccessGroup>({ pairsPerNamespace, recheckMs: Infinity });
  const access = { mode: given.accessMode, registry };
  const index = await lookAtCluster({ ...given, rules: { ...given.rules, access } });
  const mirror = new Mirror(index, createAssignedIdentityReader(transport));
  await mirror.walk(signal);
  const reviewing = { index, registry, reviewer: createAccessReviewer(transport), now: clock.now(), signal };
  const allowsAnybody = await reviewPod(reviewing);
  const written = await readRecords(given);
  const facts = new Map(written?.records.map((record) => [record.host.id, factsFromRecord(record)]));
  return pods
    .filter((key) => index.pod(key) !== undefined)
    .map((key) => {
      const [namespace = '', name = ''] = key.split('/');
      return explainPod(
        { namespace, name },
        {
          index,
          records: mirror,
          now: clock.now(),
          factsOf: (id) => id && facts.get(id),
          micPrincipalId: written?.micPrincipalId,
          isOpen: index.accessMode(namespaceOf(key)) === 'namespace',
          allowsAnybody,
          hasManyRights: registry.pairsOf(namespace) > pairsPerNamespace,
          lacksRecords: written === undefined,
        },
      );
    });
}
