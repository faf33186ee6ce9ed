// Room: commands of `mic` besides the service: `mic explain`, `mic access` and `mic access-report`.
// It must not write to the API server or to Azure.
//
// `mic explain`: reads the cluster and the pod's host once and prints its findings. Changes nothing.
import { hasAccount, resources, type AccessMode, type ResourceId } from '@pod-identity/crd-types';
import {
  coreKinds,
  createAccessReviewer,
  createResource,
  KubeError,
  type AccessReviewer,
} from '@pod-identity/kit/kube';
import type { Printer } from '@pod-identity/kit/serve';
import { findingLines } from '@pod-identity/policy';
import { pairsPerNamespace, type PairRegistry } from '../access/pair-registry.ts';
import { createAssignedIdentityReader } from '../apply/assigned-identity-reader.ts';
import { createLedger, type ConfigMap } from '../apply/ledger.ts';
import { Mirror } from '../apply/mirror.ts';
import type { Azure } from '../azure/connect.ts';
import { findHome } from './home.ts';
import { accessOnce, lookAtCluster, mayNotList, type ClusterRules, type Looking } from './look.ts';
import { reviewPod } from './review-pod.ts';
import { explainPod, type ExplainedPod, type Explanation } from '../tell/explain-pod.ts';
import type { ClusterIndex } from '../snapshot/index/cluster-index.ts';
import type { AccessGroup } from '../snapshot/index/rights.ts';
import type { HostFacts, HostRecord } from '../snapshot/facts/facts.ts';
import { memberOf, stringAt } from '../snapshot/raw-object.ts';
import { podFields } from '../snapshot/watch/pod-fields.ts';
import { createFacts, factsFromRecord, foldReading } from '../snapshot/facts/host-facts.ts';

export interface Explaining extends Looking {
  readonly target: { readonly namespace: string; readonly pod: string };
  /** MIC's matching rules, and its own namespace if that is known. */
  readonly rules: Omit<ClusterRules, 'access'> & { readonly namespace: string | undefined };
  readonly accessMode?: AccessMode;
  /** Default: SubjectAccessReviews of the API server. */
  readonly reviewer?: AccessReviewer;
  /** Undefined: whoever asks has no access to Azure, so what hosts carry is not looked at. */
  readonly azure: Pick<Azure, 'hosts' | 'principalId'> | undefined;
  /** A message about the original's MIC, if it runs too. */
  originalRuns?(signal: AbortSignal): Promise<string | undefined>;
}

export interface ExplainCommand extends Explaining {
  readonly printer: Printer;
}

export type RecordsRead = Pick<Explaining, 'transport' | 'log' | 'signal'> & {
  readonly rules: Pick<Explaining['rules'], 'namespace'>;
};

/** Azure may be unreachable from the user's machine: the findings of the cluster are printed nevertheless. */
const azurePatienceMs = 15_000;

/** Returns the exit code: 0 if the pod can use all its identities, 1 if not. Throws KubeError if that could not be determined. */
export async function explainCommand(command: ExplainCommand): Promise<number> {
  const { pod, findings, result } = await readExplanation(command);
  for (const line of findingLines(`pod ${pod}`, [...findings, result])) command.printer.line(line);
  return result.verdict === 'ok' ? 0 : 1;
}

/** Throws KubeError if that could not be determined. */
export async function readExplanation(command: Explaining): Promise<Explanation> {
  const { target, azure, clock, signal } = command;
  const { namespace, pod: name } = target;
  const original = command.originalRuns?.(signal);
  const access = accessOnce(command.accessMode ?? 'namespace');
  const { registry } = access;
  const index = await lookAtCluster({ ...command, rules: { ...command.rules, access } });
  const records = await readAssigned(command, index);
  const allowsAnybody = await reviewRights(command, { index, registry });
  const home = index.homeOf(`${namespace}/${name}`);
  const host = await lookAtHost(command, index, home);
  const unknownPod = index.pod(`${namespace}/${name}`) ? undefined : await lookForPod(command);
  const micPrincipalId = await principalIdOf(command, host);
  return explainPod(
    { namespace, name, ...(unknownPod === undefined ? {} : { unknownPod }) },
    {
      index,
      records,
      micPrincipalId,
      now: clock.now(),
      isOpen: index.accessMode(namespace) === 'namespace',
      allowsAnybody,
      hasManyRights: registry.pairsOf(namespace) > pairsPerNamespace,
      original: await original,
      factsOf: (id) => (id === home ? host?.facts : undefined),
      lacksRecords: host?.lacksRecords === true,
      lacksAzure: azure === undefined,
    },
  );
}

/** Returns whether the API server allows anybody the use of identities. */
async function reviewRights(
  { target: { namespace, pod }, transport, reviewer, clock, signal }: Explaining,
  known: { readonly index: ClusterIndex; readonly registry: PairRegistry<AccessGroup> },
): Promise<boolean> {
  const name = known.index.pod(`${namespace}/${pod}`)?.serviceAccount;
  if (name === undefined) return false;
  return reviewPod({
    ...known,
    reviewer: reviewer ?? createAccessReviewer(transport),
    subject: { namespace, name },
    now: clock.now(),
    signal,
  });
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

/** Of the credential here, else as MIC wrote it down. */
async function principalIdOf(
  { azure, signal }: Explaining,
  host: LookedAtHost | undefined,
): Promise<string | undefined> {
  return (await azure?.principalId(within(signal, azurePatienceMs))) ?? host?.micPrincipalId;
}

interface LookedAtHost {
  readonly facts: HostFacts;
  readonly lacksRecords: boolean;
  readonly micPrincipalId: string | undefined;
}

async function lookAtHost(
  command: Explaining,
  index: ClusterIndex,
  id: ResourceId | undefined,
): Promise<LookedAtHost | undefined> {
  const { azure, clock, signal } = command;
  const host = id === undefined ? undefined : index.host(id);
  if (!host) return undefined;
  const written = await readRecords(command);
  const record = written?.records.find((candidate) => candidate.host.id === id);
  const known = record ? factsFromRecord(record) : createFacts(host);
  const outcome = await azure?.hosts.read(host, within(signal, azurePatienceMs));
  const facts = outcome ? foldReading(known, outcome, { now: clock.now(), chance: 0 }) : known;
  return { facts, lacksRecords: written === undefined, micPrincipalId: written?.micPrincipalId };
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
  const ledger = createLedger({
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
async function lookForPod({ transport, target, signal }: Explaining): Promise<UnknownPod> {
  try {
    const pod = await createResource(transport, coreKinds.pods).get(
      { namespace: target.namespace, name: target.pod },
      { signal, fields: podFields },
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
