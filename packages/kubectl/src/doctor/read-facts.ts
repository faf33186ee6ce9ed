// Reads once all that the checks decide by. What the user may not read becomes a sentence.
import { resources } from '@pod-identity/crd-types';
import { clusterKinds } from '@pod-identity/kit/core';
import { coreKinds, KubeError } from '@pod-identity/kit/kube';
import { explainPods, type Explanation } from '../../../mic/src/commands/plug-in.ts';
import type { Session } from '../cli/command.ts';
import { keyOf } from '../cluster/fields.ts';
import { readIssuer } from '../cluster/issuer.ts';
import { listAllowed, type Known, type Listed } from '../cluster/lists.ts';
import { micRulesOf, originalWatcher, type MicRules } from '../cluster/mic-rules.ts';
import { readNode } from '../cluster/node.ts';
import { configsOf, ownOf, type Services } from '../cluster/services.ts';
import { readDefinition, readEvent, readIdentity, readLease, readPod } from './read-objects.ts';
import { readMetrics } from './read-metrics.ts';
import { reviewRights } from './read-rights.ts';
import type { Definition, DoctorFacts, PodFacts } from './facts.ts';

const ourGroup = '.aadpodidentity.k8s.io';

/** `wanted`: ids of checks; default: all. */
export async function readFacts(session: Session, wanted?: ReadonlySet<string>): Promise<DoctorFacts> {
  const { kube, signal } = session;
  const clocks = await readClocks(session);
  const services = await session.services();
  const [lists, rights, issuer, originalRuns] = await Promise.all([
    readLists(session),
    reviewRights(services, { kube, signal }),
    readIssuer(session),
    // Read twice, at some seconds' distance, and only if somebody held the lock lately.
    originalWatcher(ownOf(services.mic)[0], session)?.(signal),
  ]);
  const [explained, metrics] = await Promise.all([
    explainAll(session, { services, ...lists }),
    // Takes seconds where tokens have failed.
    wanted?.has('metrics') === false ? noMetrics : readMetrics(session, services, lists.pods),
  ]);
  return { ...clocks, ...lists, services, rights, issuer, originalRuns, explained, metrics };
}

const noMetrics: DoctorFacts['metrics'] = { agents: [], notes: [] };

async function readLists({ kube, signal, namespace }: Session) {
  const reading = { kube, signal, namespace };
  const [definitions, nodes, pods, leases, identities, events] = await Promise.all([
    listAllowed({ kube, signal, kind: clusterKinds.definitions, trim: ourDefinition }),
    listAllowed({ kube, signal, kind: coreKinds.nodes, trim: readNode }),
    listAllowed({ ...reading, kind: coreKinds.pods, trim: readPod }),
    listAllowed({ ...reading, kind: coreKinds.leases, trim: readLease, namespace: 'kube-node-lease' }),
    listAllowed({
      ...reading,
      kind: resources.AzureIdentity,
      trim: readIdentity,
    }),
    listAllowed({
      ...reading,
      kind: coreKinds.events,
      trim: readEvent,
      fieldSelector: 'type=Warning,reason=CredentialMissing',
    }),
  ]);
  return { definitions, nodes, pods, leases, identities, events };
}

function ourDefinition(object: unknown): Definition | undefined {
  const definition = readDefinition(object);
  return definition.name.endsWith(ourGroup) ? definition : undefined;
}

/** Any response has the date. */
async function readClocks({ kube, signal, clock }: Session): Promise<Pick<DoctorFacts, 'now' | 'serverNow'>> {
  let date: string | undefined;
  await kube.request({ method: 'GET', path: '/version', signal, onDate: (text) => void (date = text) });
  return { now: clock.now(), serverNow: date === undefined ? undefined : Date.parse(date) };
}

interface Explained extends Pick<DoctorFacts, 'services' | 'definitions' | 'identities'> {
  readonly pods: Listed<PodFacts>;
}

/** What an explanation reads and the cluster does not have, in words: MIC would wait until it is there. */
function absentKind({
  definitions,
  identities,
}: Pick<Explained, 'definitions' | 'identities'>): string | undefined {
  if (identities.kind === 'not-read') return identities.text;
  if (definitions.kind === 'not-read') return undefined;
  const names = [resources.AzureIdentityBinding, resources.AzureAssignedIdentity].map(
    ({ plural, group }) => `${plural}.${group}`,
  );
  const absent = names.find((wanted) => !definitions.items.some(({ name }) => name === wanted));
  return absent && `the cluster has no ${absent}`;
}

/** As MIC would explain them; by NMI's flags where no MIC runs. */
async function explainAll(
  session: Session,
  { services, pods, ...beside }: Explained,
): Promise<Known<readonly Explanation[]>> {
  if (pods.kind === 'not-read') return { unknown: pods.text };
  const absent = absentKind(beside);
  if (absent !== undefined) return { unknown: absent };
  const { kube: transport, clock, log, signal } = session;
  const running = pods.items.filter(({ isFinished }) => !isFinished);
  try {
    const value = await explainPods({
      pods: running.map(keyOf),
      // The checks look for problems, and for the identities that a pod is bound to.
      isKept: ({ verdict, topic }) => verdict === 'problem' || topic === 'binding',
      ...rulesOf(services),
      transport,
      clock,
      log,
      signal,
    });
    return { value };
  } catch (error) {
    if (!(error instanceof KubeError) || signal.aborted) throw error;
    return { unknown: error.message };
  }
}

function rulesOf({ mic, nmi }: Services): MicRules {
  const [config] = configsOf(ownOf(nmi).slice(0, 1));
  return micRulesOf(ownOf(mic)[0], {
    forceNamespaced: config?.forceNamespaced ?? true,
    mode: config?.identityAccess ?? 'namespace',
  });
}
