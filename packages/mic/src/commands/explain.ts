// Explanations of all pods, from one reading of the cluster, for the kubectl plug-in. Changes nothing.
import { resources, type AccessMode } from '@pod-identity/crd-types';
import {
  coreKinds,
  createAccessReviewer,
  createResource,
  KubeError,
  type AccessReviewer,
} from '@pod-identity/kit/kube';
import type { Finding } from '@pod-identity/policy';
import { pairsPerNamespace, type PairRegistry } from '../access/pair-registry.ts';
import { createAssignedIdentityReader } from '../apply/assigned-identity-reader.ts';
import { Ledger, type ConfigMap } from '../apply/ledger.ts';
import { Mirror } from '../apply/mirror.ts';
import { findHome } from './home.ts';
import { accessOnce, lookAtCluster, mayNotList, type ClusterRules, type Looking } from './look.ts';
import { reviewRights } from './review-rights.ts';
import { explainPod, type ExplainWorld, type Explanation } from '../tell/explain-pod.ts';
import type { ClusterIndex } from '../snapshot/index/cluster-index.ts';
import type { AccessGroup } from '../snapshot/index/rights.ts';
import type { HostRecord } from '../snapshot/facts/facts.ts';
import { factsFromRecord } from '../snapshot/facts/host-facts.ts';

export interface Explaining extends Looking {
  /** MIC's matching rules, and its own namespace if that is known. */
  readonly rules: ClusterRules & { readonly namespace: string | undefined };
  /** Default: `namespace`. */
  readonly accessMode?: AccessMode;
  /** Default: SubjectAccessReviews of the API server. */
  readonly reviewer?: AccessReviewer;
}

export interface ExplainingMany extends Explaining {
  readonly pods: readonly string[];
  /** Of all pods together only these are kept: an editor can have thousands of pods with hundreds of findings each. */
  readonly isKept: (finding: Finding) => boolean;
}

export type RecordsRead = Pick<Explaining, 'transport' | 'log' | 'signal'> & {
  readonly rules: Pick<Explaining['rules'], 'namespace'>;
};

/**
 * Of many pods (`namespace/name`), from what MIC wrote down about their hosts. Pods that are not there, or
 * have no label, are left out. Throws KubeError if whoever asks may not list what MIC lists.
 */
export async function explainPods({
  pods,
  isKept,
  ...given
}: ExplainingMany): Promise<readonly Explanation[]> {
  const cluster = await readCluster(given);
  const written = await readRecords(given);
  const facts = new Map(written?.records.map((record) => [record.host.id, factsFromRecord(record)]));
  const now = given.clock.now();
  return pods.flatMap((key) => {
    const pod = cluster.index.pod(key);
    if (pod === undefined) return [];
    const world = worldOf(pod.namespace, cluster, written);
    const explained = explainPod(pod, { ...world, now, factsOf: (id) => id && facts.get(id) });
    return { ...explained, findings: explained.findings.filter(isKept) };
  });
}

interface ExplainedCluster extends Pick<ExplainWorld, 'allowsAnybody'> {
  readonly index: ClusterIndex;
  readonly records: Mirror;
  readonly registry: PairRegistry<AccessGroup>;
}

/** With reviews of the rights that MIC would review. */
async function readCluster(given: Explaining): Promise<ExplainedCluster> {
  const { accessMode = 'namespace', transport, clock, signal } = given;
  const access = accessOnce(accessMode, pairsPerNamespace);
  const { registry } = access;
  const index = await lookAtCluster(given, access);
  const records = await readAssigned(given, index);
  const { reviewer = createAccessReviewer(transport) } = given;
  const allowsAnybody = await reviewRights({ index, registry, reviewer, now: clock.now(), signal });
  return { index, records, registry, allowsAnybody };
}

function worldOf(
  namespace: string,
  { registry, ...cluster }: ExplainedCluster,
  written: WrittenByMic | undefined,
): Omit<ExplainWorld, 'now' | 'factsOf'> {
  return {
    ...cluster,
    micPrincipalId: written?.micPrincipalId,
    isOpen: cluster.index.accessMode(namespace) === 'namespace',
    hasManyRights: registry.pairsOf(namespace) > pairsPerNamespace,
    lacksRecords: written === undefined,
  };
}

async function readAssigned({ transport, signal }: Explaining, index: ClusterIndex): Promise<Mirror> {
  const mirror = new Mirror(index, createAssignedIdentityReader(transport));
  try {
    await mirror.walk(signal);
    return mirror;
  } catch (error) {
    if (!(error instanceof KubeError && error.code === 'denied')) throw error;
    throw mayNotList(resources.AzureAssignedIdentity, error);
  }
}

/** What MIC wrote down in its own namespace. */
export interface WrittenByMic {
  readonly records: readonly HostRecord[];
  readonly micPrincipalId: string | undefined;
}

/** Undefined if it was not found. */
export async function readRecords(command: RecordsRead): Promise<WrittenByMic | undefined> {
  const { transport, rules, log, signal } = command;
  const namespace = rules.namespace ?? (await findHome(transport, signal));
  if (namespace === undefined) return undefined;
  // Without a term it cannot write.
  const ledger = new Ledger({
    configMaps: createResource<ConfigMap>(transport, coreKinds.configMaps),
    namespace,
    term: { signal, holds: () => false },
    log,
  });
  try {
    const records = await ledger.load();
    return { records, micPrincipalId: ledger.principalId() };
  } catch (error) {
    if (!(error instanceof KubeError)) throw error;
    log.warn({ namespace, why: error.message }, 'what MIC wrote down about hosts cannot be read');
    return undefined;
  }
}
