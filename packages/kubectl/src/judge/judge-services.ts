// MIC, NMI, the broker, the agents on nodes, the taints that are left and the definitions.
import { bindingLabel } from '@pod-identity/crd-types';
import { shellWord } from '@pod-identity/policy';
import { keyOf } from '../cluster/fields.ts';
import { itemsOf } from '../cluster/lists.ts';
import { daemonSetFor, whyNoAgent } from '../cluster/node.ts';
import type { ClusterRead } from '../cluster/read-cluster.ts';
import { isManaged, ownOf, type Installed, type Services } from '../cluster/services.ts';
import { versionOf } from '../cluster/workload.ts';
import type { Causes } from './causes.ts';
import type { Service } from './report.ts';

const defaultTaint = 'aadpodidentity.k8s.io/nmi-not-ready';

export function judgeServices(read: ClusterRead, causes: Causes): readonly Service[] {
  const { mic, nmi, broker } = read.services;
  const all = [...mic, ...nmi, ...broker].map(serviceOf);
  const problem = (key: string, text: string, remedy?: { text: string; command?: string }, objects = ['']) =>
    causes.add({
      key,
      state: 'problem',
      text,
      actor: 'cluster administrator',
      objects: objects.filter(Boolean),
      remedy,
    });
  for (const { kind, namespace, name, state, text } of all)
    if (state !== 'ok') {
      const workload = kind === 'nmi' ? 'daemonset' : 'deployment';
      problem(
        `service ${kind} ${namespace}/${name}`,
        `${kind === 'broker' ? 'the broker' : kind.toUpperCase()} (${namespace}/${name}): ${text}`,
        {
          text: 'look at its pods and their logs',
          command: `kubectl describe ${workload} ${name} --namespace ${namespace}`,
        },
      );
    }
  absentServices(read.services, problem);
  definitionCauses(read, problem);
  agentCauses(read, problem);
  return all;
}

type AddProblem = (
  key: string,
  text: string,
  remedy?: { text: string; command?: string },
  objects?: string[],
) => void;

function serviceOf({
  role,
  namespace,
  name,
  image,
  isOriginal,
  config,
  replicas,
}: Installed<object>): Service {
  const { wanted, ready } = replicas;
  const version = versionOf(image);
  const problems = 'problems' in config && !isOriginal ? (config.problems) : [];
  const text = [
    `${ready} of ${wanted} ready`,
    `version ${version}${isOriginal ? ' of the original project' : ''}`,
    ...problems.map((fault) => `flags: ${fault}`),
  ].join('; ');
  const isWell = ready >= wanted && wanted > 0 && problems.length === 0;
  return { kind: role, namespace, name, version, state: isWell ? 'ok' : 'problem', text };
}

function absentServices({ nmi, mic, broker, unknown }: Services, problem: AddProblem): void {
  // What may not be listed may be installed.
  if (unknown.length > 0) return;
  const install = { text: 'install it: docs/administrator/quickstart.md has the commands' };
  if (nmi.length === 0) problem('service nmi', 'NMI is not installed: pods get no tokens', install);
  else if (mic.length === 0 && !nmi.some(isManaged))
    problem('service mic', 'MIC is not installed: nothing is attached to hosts', install);
  const wantsBroker = nmi.some(({ config }) => 'hasBroker' in config && config.hasBroker);
  if (wantsBroker && broker.length === 0)
    problem(
      'service broker',
      'NMI has --broker, and no broker is installed: federated identities get no tokens',
      install,
    );
  const running = mic.filter(({ replicas }) => replicas.wanted > 0);
  const own = ownOf(running);
  const others = running.filter((one) => one !== own[0]);
  for (const { namespace, name, isOriginal } of own.length === 0 ? [] : others)
    problem(
      `service mic beside ${namespace}/${name}`,
      `${isOriginal ? 'the MIC of the original project' : 'a second MIC'} (${namespace}/${name}) runs beside ours: they undo each other's work`,
      {
        text: 'scale one of them down',
        command: `kubectl scale deployment ${name} --namespace ${namespace} --replicas=0`,
      },
      [`Deployment ${namespace}/${name}`],
    );
}

function definitionCauses(read: ClusterRead, problem: AddProblem): void {
  for (const list of [read.identities, read.bindings, read.records, read.exceptions])
    if (list.kind === 'not-read' && list.why === 'absent')
      problem(`definition ${list.text}`, list.text, {
        text: 'install the definitions, from a checkout of the repository',
        command: 'kubectl apply -k deploy/base/crds',
      });
}

/** Of nodes with pods in need, and the taint that is left where NMI is ready. */
function agentCauses({ services, agents, nodes, pods }: ClusterRead, problem: AddProblem): void {
  if (agents.unknown.length + services.unknown.length > 0 || services.nmi.length === 0) return;
  const byNode = Map.groupBy(agents.pods, ({ node }) => node);
  const known = new Map(itemsOf(nodes).map((node) => [node.name, node]));
  const isReady = (node: string) => byNode.get(node)?.some((agent) => agent.isReady) === true;
  const inNeed = new Set(
    itemsOf(pods).flatMap(({ labels, isFinished, nodeName }) =>
      !isFinished && nodeName !== '' && bindingLabel in labels ? [nodeName] : [],
    ),
  );
  for (const name of new Set([...byNode.keys(), ...inNeed])) {
    if (isReady(name)) continue;
    const [agent] = byNode.get(name) ?? [];
    const daemonSet = daemonSetFor(known.get(name), services.nmi);
    if (agent === undefined)
      problem(
        `agent ${name}`,
        `NMI has no pod on node ${name}: pods there get no token`,
        daemonSet && whyNoAgent(known.get(name), daemonSet),
        [`Node ${name}`],
      );
    else
      problem(
        `agent ${name}`,
        `NMI on node ${name} is not ready${agent.why === '' ? '' : ` (${agent.why})`}: pods there get no token`,
        {
          text: 'read its log; a new pod takes its place if it is deleted',
          command: `kubectl logs ${agent.name} --namespace ${agent.namespace}`,
        },
        [`Node ${name}`, `Pod ${keyOf(agent)}`],
      );
  }
  for (const { name, taints } of known.values())
    for (const { key } of taints)
      if (key === defaultTaint && isReady(name))
        problem(
          `taint ${name}`,
          `node ${name} still has the taint ${key}, although NMI is ready there: no pod comes to it`,
          { text: 'remove it', command: `kubectl taint nodes ${name} ${shellWord(key)}-` },
          [`Node ${name}`],
        );
}
