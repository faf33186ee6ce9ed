// The services that a pod's token comes through, as far as the objects of the cluster tell: NMI of its node, MIC, the broker.
import { info, ok, problem, waiting, type Finding, type Remedy } from '@pod-identity/policy';
import type { AgentPod } from '../cluster/agents.ts';
import { keyOf } from '../cluster/fields.ts';
import { readNode, whyNoAgent, type StoredDaemonSet } from '../cluster/node.ts';
import type { Installed } from '../cluster/services.ts';

export interface Agents {
  readonly daemonSet: StoredDaemonSet;
  /** On the pod's node; undefined: they may not be listed. */
  readonly pods: readonly Pick<AgentPod, 'name' | 'isReady'>[] | undefined;
  /** Undefined: it may not be read. */
  readonly node: unknown;
}

export function agentFindings(nodeName: string, { daemonSet, pods, node }: Agents): readonly Finding[] {
  const { namespace } = daemonSet;
  if (pods === undefined)
    return [
      info(
        'node',
        `whether NMI runs on ${nodeName} is not known: you may not list the pods of namespace ${namespace}`,
      ),
    ];
  const [first] = pods;
  if (first === undefined)
    return [
      problem(
        'node',
        `NMI (DaemonSet ${keyOf(daemonSet)}) has no pod on ${nodeName}`,
        whyNoAgent(node === undefined ? undefined : { ...readNode(node), name: nodeName }, daemonSet),
      ),
    ];
  if (pods.some(({ isReady }) => isReady))
    return [ok('node', `NMI runs on ${nodeName} and is ready (pod ${namespace}/${first.name})`)];
  return [
    problem('node', `NMI on ${nodeName} is not ready (pod ${namespace}/${first.name})`, {
      text: 'its log says why',
      command: `kubectl --namespace ${namespace} logs ${first.name} --all-containers --tail 50`,
    }),
  ];
}

type Running = Pick<Installed<unknown>, 'kind' | 'namespace' | 'name' | 'replicas'>;

export interface Wanted {
  readonly found: readonly Running[];
  /** Not all namespaces could be looked at. */
  readonly isPartial: boolean;
}

interface WantedService {
  readonly name: string;
  readonly topic: Finding['topic'];
  /** Of one that is not ready: what follows from that. */
  readonly down: (about: string, remedy: Remedy) => Finding;
  readonly absent: Finding;
}

/** MIC writes assignments; tokens of pods that have theirs go on without it. */
const wantedMic: WantedService = {
  name: 'MIC',
  topic: 'record',
  down: (about, remedy) => waiting('record', `${about}: nothing is attached meanwhile`, remedy),
  absent: waiting('record', 'no MIC was found: nothing is attached to machines', {
    text: 'install it, or run NMI with --operation-mode=managed if the machines have their identities otherwise: deploy/README.md',
  }),
};

/** Of identities of type 3. */
const wantedBroker: WantedService = {
  name: 'the broker of federated identities',
  topic: 'identity',
  down: (about, remedy) => problem('identity', about, remedy),
  absent: problem(
    'identity',
    'no broker of federated identities was found, and identities of type 3 need one',
    { text: 'install it: docs/administrator/federated.md' },
  ),
};

export const micFinding = (wanted: Wanted): Finding => serviceFinding(wantedMic, wanted);
export const brokerFinding = (wanted: Wanted): Finding => serviceFinding(wantedBroker, wanted);

function serviceFinding({ name, topic, down, absent }: WantedService, { found, isPartial }: Wanted): Finding {
  const ready = found.find(({ replicas }) => replicas.ready > 0);
  if (ready) return ok(topic, `${name} runs (${describe(ready)})`);
  const [first] = found;
  if (first) return down(`${name} does not run (${describe(first)})`, podsOf(first));
  return isPartial
    ? info(topic, `whether ${name} runs is not known: you may not look for it in all namespaces`)
    : absent;
}

export function noAgents({ isPartial }: Pick<Wanted, 'isPartial'>): Finding {
  return isPartial
    ? info(
        'node',
        'whether NMI runs, and with which flags, is not known: you may not look for it in all namespaces; its defaults are assumed',
      )
    : problem('node', 'no DaemonSet of NMI was found', { text: 'install it: deploy/README.md' });
}

function describe({ kind, namespace, name, replicas: { ready, wanted } }: Running): string {
  return `${kind} ${namespace}/${name}, ${ready} of ${wanted} ready`;
}

function podsOf({ kind, namespace, name }: Running): Remedy {
  return {
    text: 'see its pods and events',
    command: `kubectl --namespace ${namespace} describe ${kind.toLowerCase()} ${name}`,
  };
}
