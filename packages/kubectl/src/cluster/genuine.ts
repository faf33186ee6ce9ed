// Which workloads are MIC and NMI. An editor of any namespace can write a Deployment with their image, arguments and labels, but cannot grant
// MIC's or NMI's cluster-wide rights, so those identify the real workload.
import { createLimit } from '@pod-identity/kit/core';
import { createAccessReviewer, KubeError, subjectOf } from '@pod-identity/kit/kube';
import { keyOf } from './fields.ts';
import type { ClusterReader } from './lists.ts';
import type { Workload } from './workload.ts';

/** Whose editors are administrators: those of the manifests. Elsewhere the rights tell. */
export const manifestNamespaces = {
  services: ['aad-pod-identity', 'kube-system'],
  broker: ['aad-pod-identity-broker'],
};

const group = 'aadpodidentity.k8s.io';
interface NeededRight {
  readonly verb: string;
  readonly group: string;
  readonly resource: string;
}
const attaches = [{ verb: 'create', group, resource: 'azureassignedidentities' }];
const reads = [{ verb: 'list', group, resource: 'azurepodidentityexceptions' }];
const reviews = { verb: 'create', group: 'authorization.k8s.io', resource: 'subjectaccessreviews' };

/** Not all that they need: enough to tell them from others. */
function rightsOf({ role, isOriginal }: Workload): readonly NeededRight[] {
  if (role === 'mic') return attaches;
  return isOriginal ? reads : [...reads, reviews];
}

/** Of the same role and project those with the rights; if there are none, those in the namespaces of the manifests. What is not taken for a service, and what may not be asked, in words. */
export async function findGenuine(candidates: readonly Workload[], reading: ClusterReader) {
  const limit = createLimit(8);
  const seen = await Promise.all(
    candidates.map((one) => limit(async () => ({ one, missing: await missingRights(one, reading) }))),
  );
  const groups = Map.groupBy(seen, ({ one: { role, isOriginal } }) => `${role} ${isOriginal}`);
  const genuine = [...groups.values()].flatMap((alike) => {
    const proven = alike.filter(({ missing }) => missing?.length === 0);
    return proven.length > 0
      ? proven
      : alike.filter(({ one }) => manifestNamespaces.services.includes(one.namespace));
  });
  const found = new Set(genuine.map(({ one }) => one));
  const others = seen.filter(({ one }) => !found.has(one));
  const roles = new Set(genuine.map(({ one }) => one.role));
  const open = others.filter(({ one, missing }) => missing === undefined && !roles.has(one.role));
  return {
    workloads: genuine.map(({ one, missing = [] }) => ({ ...one, missingRights: missing })),
    imitations: others.filter((other) => !open.includes(other)).map(({ one }) => imitationOf(one)),
    unknown: open.map(
      ({ one }) => `${looksLike(one)}: whether it is, you may not ask (create subjectaccessreviews)`,
    ),
  };
}

const looksLike = (workload: Workload) =>
  `${workload.kind} ${keyOf(workload)} looks like ${workload.role === 'broker' ? 'the broker' : workload.role.toUpperCase()}`;

export const imitationOf = (workload: Workload) =>
  `${looksLike(workload)} and is not taken for it: ${
    workload.role === 'broker'
      ? 'no NMI has --broker with its namespace'
      : 'its ServiceAccount lacks the rights, or another one has them'
  }`;

/** Undefined: the user may not ask. */
async function missingRights(
  workload: Workload,
  { kube, signal }: ClusterReader,
): Promise<readonly string[] | undefined> {
  const [reviewer, subject] = [createAccessReviewer(kube), subjectOf(workload.namespace, workload.account)];
  const missing: string[] = [];
  try {
    for (const right of rightsOf(workload))
      if (!(await reviewer.review({ subject, ...right }, signal)))
        missing.push(`${right.verb} ${right.resource}`);
    return missing;
  } catch (error) {
    if (error instanceof KubeError && error.code === 'denied') return undefined;
    throw error;
  }
}
