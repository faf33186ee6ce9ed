// The services that a pod's token comes through, in status' words.
import { inBroker, info, ok, problem, waiting, type Finding } from '@pod-identity/policy';
import { keyOf } from '../cluster/fields.ts';
import { itemsOf } from '../cluster/lists.ts';
import { daemonSetFor, whyNoAgent } from '../cluster/node.ts';
import type { ClusterRead } from '../cluster/read-cluster.ts';
import { createCauses } from '../judge/causes.ts';
import { judgeServices } from '../judge/judge-services.ts';

interface Surroundings {
  readonly nodeName: string;
  readonly isManaged: boolean;
  readonly findings: readonly Finding[];
}

export function serviceFindings(
  read: ClusterRead,
  { nodeName, isManaged, findings }: Surroundings,
): readonly Finding[] {
  const causes = createCauses();
  judgeServices(read, causes);
  const said = causes.sorted().flatMap(({ key, text, remedy }): Finding[] => {
    if (key.startsWith('service nmi')) return [problem('node', text, remedy)];
    if (key.startsWith('service mic') && !isManaged)
      return [waitsForMic(findings) ? waiting('record', text, remedy) : info('record', text, remedy)];
    return key.startsWith('service broker') && needsBroker(findings)
      ? [problem('identity', text, remedy)]
      : [];
  });
  return [...said.filter(({ topic }) => topic !== 'node'), ...agentFindings(read, nodeName, said)];
}

/** What is assigned goes on without MIC. */
const waitsForMic = (findings: readonly Finding[]) =>
  findings.some(({ topic, verdict }) => topic === 'record' && verdict === 'waiting');

/** Whether the pod is bound to an identity of type 3. */
const needsBroker = (findings: readonly Finding[]) =>
  findings.some(({ remedy }) => remedy?.command?.startsWith(inBroker('check-federated')) === true);

/** The agent of the pod's own node decides; that others are not ready does not matter to it. */
function agentFindings(
  { agents, services, nodes }: ClusterRead,
  nodeName: string,
  said: readonly Finding[],
): readonly Finding[] {
  if (services.nmi.length === 0) {
    const absent = said.filter(({ topic }) => topic === 'node');
    return absent.length > 0
      ? absent
      : [info('node', 'whether NMI runs, and with which flags, is not known: its defaults are assumed')];
  }
  if (nodeName === '') return [];
  const own = agents.pods.filter(({ node }) => node === nodeName);
  const [first] = own;
  if (own.some(({ isReady }) => isReady)) return [ok('node', `NMI is ready on ${nodeName}`)];
  if (first !== undefined)
    return [
      problem('node', `NMI on node ${nodeName} is not ready${first.why === '' ? '' : ` (${first.why})`}`, {
        text: 'read its log; a new pod takes its place if it is deleted',
        command: `kubectl logs ${first.name} --namespace ${first.namespace}`,
      }),
    ];
  if (agents.unknown.length > 0)
    return [info('node', `whether NMI runs on ${nodeName} is not known: ${agents.unknown.join('; ')}`)];
  const node = itemsOf(nodes).find(({ name }) => name === nodeName);
  const daemonSet = daemonSetFor(node, services.nmi);
  return [
    problem(
      'node',
      `NMI${daemonSet ? ` (DaemonSet ${keyOf(daemonSet)})` : ''} has no pod on ${nodeName}`,
      daemonSet && whyNoAgent(node, daemonSet),
    ),
  ];
}
