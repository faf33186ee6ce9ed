// Reads what a story is made of: the lists that status reads, and of the pod's node and namespace what NMI sees besides.
import { coreKinds } from '@pod-identity/kit/kube';
import { info, type Finding } from '@pod-identity/policy';
import {
  explainLists,
  parsePod,
  readNmiConfig,
  rightsNeeded,
  unfinishedOn,
  type NmiConfig,
} from '../../../nmi/src/commands/plug-in.ts';
import { listProblems } from '../../../mic/src/commands/plug-in.ts';
import { rulesOf, type Rules } from '../rights/modes.ts';
import { readRights, type Pair } from '../rights/verdicts.ts';
import { CommandProblem, type Session } from '../cli/command.ts';
import { keyOf, type ObjectName } from '../cluster/fields.ts';
import { getAllowed, itemsOf, listAllowed, unknownOf } from '../cluster/lists.ts';
import { daemonSetFor } from '../cluster/node.ts';
import { readCluster, readPod, type ClusterRead } from '../cluster/read-cluster.ts';
import { configsOf } from '../cluster/services.ts';
import { createCauses, type Causes } from '../judge/causes.ts';
import { identityCauses } from '../judge/judge-identities.ts';
import { judgePod } from '../judge/judge-pods.ts';
import { judgeServices } from '../judge/judge-services.ts';
import { createMatching } from '../judge/matching.ts';
import { attachedFindings } from './attached.ts';
import { isAgentUnknown, serviceFindings } from './service-findings.ts';
import { composeStory, type Story } from './story.ts';

export async function readStory(session: Session, target: ObjectName): Promise<Story> {
  const { namespace } = target;
  const { pod, own } = await findPod(session, target);
  const [read, near] = await Promise.all([
    readCluster({ ...session, namespace }),
    readNear(session, { namespace, nodeName: pod.nodeName }),
  ]);
  const rules = rulesOf(read.services);
  const config = configFor(read, pod.nodeName, rules);
  const lists = { ...listsIn(read), exceptions: exceptionsIn(read, namespace) };
  const machine = createMatching(read, rules).machineRequests(own)[0]?.target;
  const given = { pod, lists, rules: config, machine };
  const { rightOf, rights } = await readRights(session, rightsNeeded(given));
  /** Whether rights decide is known of federated identities alone. */
  const isOpen = (pair: Pair) =>
    !rules.isKnown && rightOf(pair) === 'refused' && pair.target.resource !== 'federatedidentities';
  const isManaged = config.mode === 'managed';
  const causes = createCauses();
  judgeServices(read, causes);
  const refusals = identityCauses(read, causes);
  const { reaches, uses, doubt } = judgePod(own, { read, rules, rightOf, causes, refusals });
  const at = { pod: own, isManaged, uses };
  const nmi = explainLists({
    ...given,
    ...config,
    pod,
    rules: config,
    neighbours: itemsOf(near.neighbours),
    attached: (identity) => attachedFindings(read, at, identity),
    rightOf: (pair) => verdicts[isOpen(pair) ? 'unknown' : rightOf(pair)],
    allowsAnybody: rights?.allowsAnybody === true,
    now: session.clock.now(),
  });
  const sure = rightsNeeded(given).some(isOpen) ? nmi.findings.filter(isNoOpenRight) : nmi.findings;
  return composeStory({
    nmi: { ...nmi, findings: withRemedies(sure, causes) },
    reaches,
    services: serviceFindings(read, causes, { nodeName: pod.nodeName, isManaged, findings: nmi.findings }),
    notes: notesOf(read, rules, [...near.unread, ...(rights?.notes ?? [])]),
    unread: unreadIn(read),
    doubt: doubt?.text,
    isRightUnknown: rights?.source === 'none',
    isAgentUnknown: isAgentUnknown(read),
  });
}

/** The doubt about the rules says it. */
const isNoOpenRight = ({ topic, verdict }: Finding) => topic !== 'access' || verdict !== 'waiting';

/** What `status` says in the same words, with its remedy. */
function withRemedies(findings: readonly Finding[], causes: Causes): readonly Finding[] {
  const remedies = new Map(causes.sorted().map(({ text, remedy }) => [text, remedy]));
  return findings.map((finding) => {
    const remedy = remedies.get(finding.text) ?? finding.remedy;
    return remedy ? { ...finding, remedy } : finding;
  });
}

async function findPod({ kube, signal }: Session, target: ObjectName) {
  const got = await getAllowed({ kube, signal, kind: coreKinds.pods, ...target });
  if (got.kind === 'not-read' && got.why === 'denied') throw new CommandProblem(got.text);
  const pod = got.kind === 'read' ? parsePod(got.object) : undefined;
  if (got.kind !== 'read' || pod === undefined)
    throw new CommandProblem(`there is no pod ${keyOf(target)}: check the namespace and the name`);
  return { pod, own: readPod(got.object) };
}

/** The pods of its node, of which one may have its address. */
async function readNear(
  { kube, signal }: Session,
  { namespace, nodeName }: { readonly namespace: string; readonly nodeName: string },
) {
  const pods = { kube, signal, kind: coreKinds.pods, trim: parsePod };
  const onNode = { ...pods, fieldSelector: unfinishedOn(nodeName) };
  const everywhere = await listAllowed(onNode);
  const isRead = everywhere.kind === 'read';
  const neighbours = isRead ? everywhere : await listAllowed({ ...onNode, namespace });
  return { neighbours, unread: unknownOf(everywhere) };
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

/** In NMI's words. */
const verdicts = { allowed: 'allowed', refused: 'denied', unknown: 'unanswered' } as const;

const exceptionsIn = ({ exceptions, invalidExceptions = [] }: ClusterRead, namespace: string) =>
  [
    ...itemsOf(exceptions).map((value) => ({ namespace: '', ...value.metadata, value })),
    ...invalidExceptions,
  ].filter((one) => one.namespace === namespace);

function unreadIn({ identities, bindings }: ClusterRead): string | undefined {
  const denied = [identities, bindings].flatMap((list) =>
    list.kind === 'not-read' && list.why === 'denied' ? [list.text] : [],
  );
  return denied.length === 0 ? undefined : denied.join('; ');
}

function notesOf(read: ClusterRead, rules: Rules, more: readonly string[]): readonly Finding[] {
  const lists = [read.identities, read.bindings, read.exceptions, read.records, read.nodes, read.namespaces];
  const unread = lists.flatMap(unknownOf);
  return [...new Set([...rules.notes, ...read.services.unknown, ...unread, ...more])].map((text) =>
    info('permission', text),
  );
}
