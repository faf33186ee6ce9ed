import { bindingLabel } from '@pod-identity/crd-types';
import { problem, shellWord } from '@pod-identity/policy';
import { textAt, type ObjectName } from '../cluster/fields.ts';
import { itemsOf, unknownOf } from '../cluster/lists.ts';
import { daemonSetFor, whyNoAgent, type NodeFacts } from '../cluster/node.ts';
import { ownOf, type Installed } from '../cluster/services.ts';
import { found, type CheckResult, type DoctorFacts, type ObjectFinding, type PodFacts } from './facts.ts';

type Agent = Installed<object>;

const defaultTaint = 'aadpodidentity.k8s.io/nmi-not-ready';

/** NMI is ready on each node with pods that need it. */
export function checkAgents(facts: DoctorFacts): CheckResult {
  const [nodes, pods] = [itemsOf(facts.nodes), itemsOf(facts.pods)];
  const unknown = [...unknownOf(facts.nodes), ...unknownOf(facts.pods)];
  const nmis = ownOf(facts.services.nmi);
  if (nmis.length === 0 || unknown.length > 0) return { findings: [], unknown };
  const agents = nmis.flatMap((nmi) => agentsOf(nmi, pods));
  const inNeed = Map.groupBy(
    pods.filter(({ labels, isFinished }) => !isFinished && bindingLabel in labels),
    ({ nodeName }) => nodeName,
  );
  const findings = nodes.flatMap((node) => {
    const waiting = inNeed.get(node.name) ?? [];
    if (waiting.length === 0) return [];
    return agentOn(node, { nmis, waiting: waiting.length, agents });
  });
  return { findings, unknown };
}

interface Coverage {
  /** Of this project: there may be one for each pool of nodes. */
  readonly nmis: readonly Agent[];
  readonly waiting: number;
  readonly agents: readonly PodFacts[];
}

function agentOn(node: NodeFacts, { nmis, waiting, agents }: Coverage): ObjectFinding[] {
  const here = agents.filter(({ nodeName }) => nodeName === node.name);
  if (here.some(({ isReady }) => isReady)) return [];
  const object = `Node/${node.name}`;
  const cost = `${waiting} ${waiting === 1 ? 'pod' : 'pods'} there get no token`;
  const [pod] = here;
  if (pod === undefined) {
    const daemonSet = daemonSetFor(node, nmis);
    const remedy = daemonSet && whyNoAgent(node, daemonSet);
    return [found(object, problem('agent', `no pod of NMI is on node ${node.name}: ${cost}`, remedy))];
  }
  const why = pod.notReady === '' ? '' : ` (${pod.notReady})`;
  return [
    found(
      object,
      problem('agent', `NMI on node ${node.name} is not ready${why}: ${cost}`, {
        text: 'read its log; a new pod takes its place if it is deleted',
        command: `kubectl delete pod ${pod.name} --namespace ${pod.namespace}`,
      }),
    ),
  ];
}

export const agentsOf = ({ namespace, name }: ObjectName, pods: readonly PodFacts[]) =>
  pods.filter((pod) => pod.namespace === namespace && pod.owner === `DaemonSet/${name}`);

/** The nodes on which NMI is ready. */
function nodesServed({ nmi }: DoctorFacts['services'], pods: readonly PodFacts[]): ReadonlySet<string> {
  const agents = nmi.flatMap((one) => agentsOf(one, pods)).filter(({ isReady }) => isReady);
  return new Set(agents.map(({ nodeName }) => nodeName));
}

/** No node whose NMI is ready still has the start-up taint. */
export function checkTaints(facts: DoctorFacts): CheckResult {
  const [nodes, pods] = [itemsOf(facts.nodes), itemsOf(facts.pods)];
  const unknown = [...unknownOf(facts.nodes), ...unknownOf(facts.pods)];
  const keys = taintKeys(facts);
  const ready = nodesServed(facts.services, pods);
  const findings = nodes
    .filter(({ name }) => ready.has(name))
    .flatMap(({ name, taints }) =>
      taints
        .filter(({ key }) => keys.has(key))
        .map(({ key }) => {
          const text = `node ${name} still has the taint ${key}, although NMI is ready there: no pod comes to it`;
          const remedy = {
            text: 'remove it; deploy/components/startup-taint gives MIC the right to do so',
            command: `kubectl taint nodes ${name} ${shellWord(key)}-`,
          };
          return found(`Node/${name}`, problem('taint', text, remedy));
        }),
    );
  return { findings, unknown };
}

function taintKeys({ services }: DoctorFacts): ReadonlySet<string> {
  const keys = services.mic.flatMap(({ config }) =>
    'startupTaint' in config ? taintOf(config.startupTaint) : [],
  );
  return new Set([defaultTaint, ...keys]);
}

const taintOf = (setting: unknown) => (typeof setting === 'string' ? setting : textAt(setting, 'key'));
