// Reads what a story is made of: the lists that status reads, and of the pod's node and namespace what NMI sees besides.
import {
  accessTargetKey,
  machineTarget,
  resources,
  type AccessSubject,
  type AccessTarget,
} from '@pod-identity/crd-types';
import { coreKinds } from '@pod-identity/kit/kube';
import { info, type Finding } from '@pod-identity/policy';
import {
  explainLists,
  parsePod,
  readException,
  readNmiConfig,
  rightsNeeded,
  unfinishedOn,
  type NmiConfig,
} from '../../../nmi/src/commands/plug-in.ts';
import { listProblems } from '../../../mic/src/commands/plug-in.ts';
import { rulesOf, type Rules } from '../rights/modes.ts';
import { openRights, type Rights } from '../rights/rights.ts';
import { createReviews, rightIn } from '../rights/verdicts.ts';
import { CommandProblem, type Session } from '../cli/command.ts';
import { keyOf, type ObjectName } from '../cluster/fields.ts';
import { getAllowed, itemsOf, listAllowed, unknownOf } from '../cluster/lists.ts';
import { daemonSetFor } from '../cluster/node.ts';
import { readCluster, type ClusterRead } from '../cluster/read-cluster.ts';
import { configsOf } from '../cluster/services.ts';
import { createCauses } from '../judge/causes.ts';
import { identityCauses } from '../judge/judge-identities.ts';
import { isDenied, reachOf } from '../judge/judge-pods.ts';
import { attachedFindings } from './attached.ts';
import { serviceFindings } from './service-findings.ts';
import { composeStory, type Story } from './story.ts';

export async function readStory(session: Session, target: ObjectName): Promise<Story> {
  const { namespace } = target;
  const pod = await findPod(session, target);
  const [read, near] = await Promise.all([
    readCluster({ ...session, namespace }),
    readNear(session, { namespace, nodeName: pod.nodeName }),
  ]);
  const rules = rulesOf(read.services);
  const config = configFor(read, pod.nodeName, rules);
  const lists = { ...listsIn(read), exceptions: itemsOf(near.exceptions) };
  const given = { pod, lists, rules: config, machine: machineOf(read, pod.nodeName) };
  const { verdictOf, rights } = await reviewAll(session, rightsNeeded(given));
  const isManaged = config.mode === 'managed';
  const at = { pod: target, nodeName: pod.nodeName, isManaged };
  const nmi = explainLists({
    ...given,
    ...config,
    pod,
    rules: config,
    neighbours: itemsOf(near.neighbours),
    secrets: lackingSecrets(read),
    attached: (identity) => attachedFindings(read, at, identity),
    rightOf: verdictOf,
    allowsAnybody: rights?.allowsAnybody === true,
    now: session.clock.now(),
  });
  return composeStory({
    nmi: { ...nmi, findings: withRemedies(nmi.findings, read) },
    reaches: reachOf({ isOnHostNetwork: pod.isOnHostNetwork === true }, nmi.reachesMachine),
    services: serviceFindings(read, { nodeName: pod.nodeName, isManaged, findings: nmi.findings }),
    notes: notesOf(read, rules, [...near.unread, ...(rights?.notes ?? [])]),
    unread: unreadIn(read),
    areRecordsDenied: isDenied(read.records),
    isRightUnknown: rights?.source === 'none',
    isAssigned: itemsOf(read.records).some(
      (one) =>
        `${one.podNamespace}/${one.podName}` === pod.key && (one.state === 'Assigned' || one.state === ''),
    ),
  });
}

/** What `status` says in the same words, with its remedy. */
function withRemedies(findings: readonly Finding[], read: ClusterRead): readonly Finding[] {
  const causes = createCauses();
  identityCauses(read, causes);
  const remedies = new Map(causes.sorted().map(({ text, remedy }) => [text, remedy]));
  return findings.map((finding) => {
    const remedy = remedies.get(finding.text) ?? finding.remedy;
    return remedy ? { ...finding, remedy } : finding;
  });
}

/** Undefined: it is no machine of Azure, or not known. */
function machineOf({ nodes }: ClusterRead, nodeName: string): AccessTarget | undefined {
  const host = itemsOf(nodes).find(({ name }) => name === nodeName)?.host;
  const target = host && machineTarget(host.id);
  return target?.ok === true ? target.value : undefined;
}

async function findPod({ kube, signal }: Session, target: ObjectName) {
  const got = await getAllowed({ kube, signal, kind: coreKinds.pods, ...target });
  if (got.kind === 'not-read' && got.why === 'denied') throw new CommandProblem(got.text);
  const pod = got.kind === 'read' ? parsePod(got.object) : undefined;
  if (pod === undefined)
    throw new CommandProblem(`there is no pod ${keyOf(target)}: check the namespace and the name`);
  return pod;
}

/** The pods of its node, of which one may have its address, and the exceptions of its namespace, those that are not valid too. */
async function readNear(
  { kube, signal }: Session,
  { namespace, nodeName }: { readonly namespace: string; readonly nodeName: string },
) {
  const pods = { kube, signal, kind: coreKinds.pods, trim: parsePod };
  const onNode = { ...pods, fieldSelector: unfinishedOn(nodeName) };
  const [everywhere, exceptions] = await Promise.all([
    listAllowed(onNode),
    listAllowed({ kube, signal, kind: resources.AzurePodIdentityException, namespace, trim: readException }),
  ]);
  const isRead = everywhere.kind === 'read';
  const neighbours = isRead ? everywhere : await listAllowed({ ...onNode, namespace });
  return { neighbours, exceptions, unread: [everywhere, exceptions].flatMap(unknownOf) };
}

/** What the agent of the node was started with; else the defaults, with a broker: without one an identity of type 3 would be refused. */
function configFor({ services, nodes }: ClusterRead, nodeName: string, rules: Rules): NmiConfig {
  const node = itemsOf(nodes).find(({ name }) => name === nodeName);
  const nearest = daemonSetFor(node, services.nmi);
  const [known] = configsOf(nearest === undefined ? services.nmi : [nearest]);
  if (known !== undefined) return { ...known, identityAccess: rules.mode };
  const broker = ['--broker=aad-pod-identity-broker', '--broker-token-file=unknown'];
  const flags = ['--identity-access', rules.mode, `--forceNamespaced=${rules.forceNamespaced}`, ...broker];
  const reading = readNmiConfig({ argv: ['--node', nodeName || 'unknown', ...flags], env: {} });
  if (reading.kind !== 'config') throw new TypeError('NMI has no defaults');
  return reading.config;
}

function listsIn({ identities, bindings, namespaces }: ClusterRead) {
  return {
    identities: itemsOf(identities).map(({ view }) =>
      view.kind === 'valid'
        ? { key: view.key, value: view.identity }
        : { key: view.key, fault: listProblems(view.problems) },
    ),
    bindings: itemsOf(bindings).map(({ view }) =>
      view.kind === 'valid'
        ? { key: view.key, value: view.binding }
        : { key: view.key, fault: listProblems(view.problems) },
    ),
    namespaces: itemsOf(namespaces),
  };
}

interface Pair {
  readonly subject: AccessSubject;
  readonly target: AccessTarget;
}

const pairKey = ({ subject, target }: Pair) => `${keyOf(subject)} ${accessTargetKey(target)}`;

/** Nothing is asked where rights don't decide. */
async function reviewAll(session: Session, pairs: readonly Pair[]) {
  const rights: Rights | undefined = pairs.length === 0 ? undefined : await openRights(session);
  const review = rights && createReviews(rights, session);
  const verdicts = new Map(
    await Promise.all(
      pairs.map(async (pair) => {
        const right = review && rightIn(await review(pair.subject, pair.target));
        return [pairKey(pair), right] as const;
      }),
    ),
  );
  const verdictOf = (pair: Pair) => {
    const right = verdicts.get(pairKey(pair));
    if (right === 'allowed') return 'allowed';
    return right === 'refused' ? 'denied' : 'unanswered';
  };
  return { verdictOf, rights } as const;
}

const lackingSecrets = ({ secrets }: ClusterRead) =>
  new Map(
    [...secrets].flatMap(([key, isThere]) =>
      isThere === true ? [] : [[key, isThere === false ? ('absent' as const) : ('unread' as const)] as const],
    ),
  );

function unreadIn({ identities, bindings }: ClusterRead): string | undefined {
  const denied = [identities, bindings].flatMap((list) =>
    list.kind === 'not-read' && list.why === 'denied' ? [list.text] : [],
  );
  return denied.length === 0 ? undefined : denied.join('; ');
}

function notesOf(read: ClusterRead, rules: Rules, more: readonly string[]): readonly Finding[] {
  const lists = [read.identities, read.bindings, read.records, read.nodes].flatMap(unknownOf);
  return [...new Set([...rules.notes, ...read.services.unknown, ...lists, ...more])].map((text) =>
    info('permission', text),
  );
}
