// Room: commands of `mic` besides the service (`mic explain`), and what the kubectl plug-in uses of MIC.
// It must not write to the API server or to Azure.
//
// Explanations: from one reading of the cluster, and for `mic explain` of the pod's host. Changes nothing.
import { hasAccount, resources, type AccessMode, type Host } from '@pod-identity/crd-types';
import {
  coreKinds,
  createAccessReviewer,
  createResource,
  KubeError,
  type AccessReviewer,
} from '@pod-identity/kit/kube';
import type { Printer } from '@pod-identity/kit/serve';
import { findingLines, type Finding } from '@pod-identity/policy';
import { pairsPerNamespace, type PairRegistry } from '../access/pair-registry.ts';
import { createAssignedIdentityReader } from '../apply/assigned-identity-reader.ts';
import { Ledger, type ConfigMap } from '../apply/ledger.ts';
import { Mirror } from '../apply/mirror.ts';
import type { Azure } from '../azure/connect.ts';
import { findHome } from './home.ts';
import { accessOnce, lookAtCluster, mayNotList, type ClusterRules, type Looking } from './look.ts';
import { reviewRights } from './review-rights.ts';
import { explainPod, type ExplainedPod, type ExplainWorld, type Explanation } from '../tell/explain-pod.ts';
import type { ClusterIndex } from '../snapshot/index/cluster-index.ts';
import type { AccessGroup } from '../snapshot/index/rights.ts';
import type { HostFacts, HostRecord } from '../snapshot/facts/facts.ts';
import { memberOf, stringAt } from '../snapshot/raw-object.ts';
import { createFacts, factsFromRecord, foldReading } from '../snapshot/facts/host-facts.ts';

export interface Explaining extends Looking {
  /** MIC's matching rules, and its own namespace if that is known. */
  readonly rules: ClusterRules & { readonly namespace: string | undefined };
  /** Default: `namespace`. */
  readonly accessMode?: AccessMode;
  /** Default: SubjectAccessReviews of the API server. */
  readonly reviewer?: AccessReviewer;
}

export interface ExplainingOne extends Explaining {
  readonly target: { readonly namespace: string; readonly pod: string };
  /** Undefined: whoever asks has no access to Azure, so what hosts carry is not looked at. */
  readonly azure: Pick<Azure, 'hosts' | 'principalId'> | undefined;
  /** A message about the original's MIC, if it runs too. */
  originalRuns?(signal: AbortSignal): Promise<string | undefined>;
}

export interface ExplainingMany extends Explaining {
  readonly pods: readonly string[];
  /** Of all pods together only these are kept: an editor can have thousands of pods with hundreds of findings each. */
  readonly isKept: (finding: Finding) => boolean;
}

export type RecordsRead = Pick<Explaining, 'transport' | 'log' | 'signal'> & {
  readonly rules: Pick<Explaining['rules'], 'namespace'>;
};

/** Azure may be unreachable from the user's machine: the findings of the cluster are printed nevertheless. */
const azurePatienceMs = 15_000;

/** Returns the exit code: 0 if the pod can use all its identities, 1 if not. Throws KubeError if that could not be determined. */
export async function explainCommand(
  command: ExplainingOne & { readonly printer: Printer },
): Promise<number> {
  const { pod, findings, result } = await readExplanation(command);
  for (const line of findingLines(`pod ${pod}`, [...findings, result])) command.printer.line(line);
  return result.verdict === 'ok' ? 0 : 1;
}

/** Throws KubeError if that could not be determined. */
export async function readExplanation(command: ExplainingOne): Promise<Explanation> {
  const { target, azure, signal } = command;
  const { namespace, pod: name } = target;
  const key = `${namespace}/${name}`;
  const original = command.originalRuns?.(signal);
  const cluster = await readCluster(command, key);
  const { index } = cluster;
  const home = index.homeOf(key);
  const host = home && index.host(home);
  const written = host && (await readRecords(command));
  const facts = host && (await lookAtHost(command, host, written));
  const unknown = index.pod(key) ? {} : { unknownPod: await lookForPod(command) };
  return explainPod(
    { namespace, name, ...unknown },
    {
      ...worldOf(namespace, cluster, written),
      // Of the credential here, else as MIC wrote it down.
      micPrincipalId: (await azure?.principalId(within(signal, azurePatienceMs))) ?? written?.micPrincipalId,
      now: command.clock.now(),
      original: await original,
      factsOf: (id) => (id === home ? facts : undefined),
      lacksRecords: host !== undefined && written === undefined,
      lacksAzure: azure === undefined,
    },
  );
}

/**
 * The same for many pods (`namespace/name`), from what MIC wrote down about their hosts: Azure is not asked. Pods that are not there, or
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

/** With reviews of the rights of one pod, or of those that MIC would review. */
async function readCluster(given: Explaining, only?: string): Promise<ExplainedCluster> {
  const { accessMode = 'namespace', transport, clock, signal } = given;
  const access = accessOnce(accessMode, only === undefined ? pairsPerNamespace : Infinity);
  const { registry } = access;
  const index = await lookAtCluster(given, access);
  const records = await readAssigned(given, index);
  const { reviewer = createAccessReviewer(transport) } = given;
  const reviewing = { index, registry, reviewer, now: clock.now(), signal };
  if (only === undefined) return { index, records, registry, allowsAnybody: await reviewRights(reviewing) };
  const pod = index.pod(only);
  const subject = pod && { namespace: pod.namespace, name: pod.serviceAccount };
  const allowsAnybody = subject !== undefined && (await reviewRights({ ...reviewing, subject }));
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

async function lookAtHost(
  { azure, clock, signal }: ExplainingOne,
  host: Host,
  written: WrittenByMic | undefined,
): Promise<HostFacts> {
  const record = written?.records.find((candidate) => candidate.host.id === host.id);
  const known = record ? factsFromRecord(record) : createFacts(host);
  const outcome = await azure?.hosts.read(host, within(signal, azurePatienceMs));
  return outcome ? foldReading(known, outcome, { now: clock.now(), chance: 0 }) : known;
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

type UnknownPod = NonNullable<ExplainedPod['unknownPod']>;

/** The watches keep labelled pods only: others are read from the API server. */
async function lookForPod({ transport, target, signal }: ExplainingOne): Promise<UnknownPod> {
  try {
    const pod = await createResource(transport, coreKinds.pods).get(
      { namespace: target.namespace, name: target.pod },
      { signal },
    );
    const serviceAccount = stringAt(memberOf(pod, 'spec'), 'serviceAccountName');
    return hasAccount({ serviceAccount }) ? 'unlabelled' : 'without-account';
  } catch (error) {
    if (error instanceof KubeError && error.code === 'not-found') return 'absent';
    throw error;
  }
}

function within(signal: AbortSignal, ms: number): AbortSignal {
  return AbortSignal.any([signal, AbortSignal.timeout(ms)]);
}
