import { problem, shellWord, type Remedy } from '@pod-identity/policy';
import { bindingLabel } from '@pod-identity/crd-types';
import { stringAt, memberOf } from '../../../mic/src/commands/plug-in.ts';
import type { Installed } from '../cluster/services.ts';
import { arrayAt } from '../cluster/workload.ts';
import { addCommand } from './check-services.ts';
import {
  found,
  itemsOf,
  type Checked,
  type DoctorWorld,
  type Found,
  type NodeFacts,
  type PodFacts,
} from './world.ts';

type Agent = Installed<object>;
type ObjectKey = Pick<Agent, 'namespace' | 'name'>;

const defaultTaint = 'aadpodidentity.k8s.io/nmi-not-ready';

/** NMI is ready on each node with pods that need it. */
export function checkAgents(world: DoctorWorld): Checked {
  const [nodes, pods] = [itemsOf(world.nodes), itemsOf(world.pods)];
  const unknown = [...nodes.unknown, ...pods.unknown];
  const nmis = world.services.nmi.filter(({ isOriginal }) => !isOriginal);
  if (nmis.length === 0 || unknown.length > 0) return { findings: [], unknown };
  const agents = nmis.flatMap((nmi) => agentsOf(nmi, pods.items));
  const inNeed = Map.groupBy(
    pods.items.filter(({ labels, isFinished }) => !isFinished && bindingLabel in labels),
    ({ nodeName }) => nodeName,
  );
  const findings = nodes.items.flatMap((node) => {
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

function agentOn(node: NodeFacts, { nmis, waiting, agents }: Coverage): Found[] {
  const here = agents.filter(({ nodeName }) => nodeName === node.name);
  if (here.some(({ isReady }) => isReady)) return [];
  const object = `Node/${node.name}`;
  const cost = `${waiting} ${waiting === 1 ? 'pod' : 'pods'} there get no token`;
  const [pod] = here;
  if (pod === undefined)
    return [
      found(object, problem('agent', `no pod of NMI is on node ${node.name}: ${cost}`, whyAway(node, nmis))),
    ];
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

export const agentsOf = ({ namespace, name }: ObjectKey, pods: readonly PodFacts[]) =>
  pods.filter((pod) => pod.namespace === namespace && pod.owner === `DaemonSet/${name}`);

/** Why the DaemonSet whose nodeSelector the node fits, or else the first, puts no pod there. */
function whyAway(node: NodeFacts, nmis: readonly Agent[]): Remedy | undefined {
  const seen = nmis.map((agent) => ({ agent, missing: missingLabels(node, agent) }));
  const nearest = seen.find(({ missing }) => missing.length === 0) ?? seen[0];
  return nearest && remedyOf(node, nearest);
}

const podSpecOf = ({ object }: Agent) => memberOf(memberOf(memberOf(object, 'spec'), 'template'), 'spec');

function missingLabels({ labels }: NodeFacts, agent: Agent): readonly string[] {
  const selector = memberOf(podSpecOf(agent), 'nodeSelector') ?? {};
  return Object.entries(selector as Readonly<Record<string, string>>)
    .filter(([key, value]) => labels[key] !== value)
    .map(([key, value]) => `${key}=${value}`);
}

function remedyOf(
  { name, taints }: NodeFacts,
  { agent, missing }: { readonly agent: Agent; readonly missing: readonly string[] },
): Remedy {
  const { namespace, name: daemonSet } = agent;
  if (missing.length > 0)
    return {
      text: `the node lacks labels of the nodeSelector of DaemonSet ${namespace}/${daemonSet}`,
      command: `kubectl label node ${name} --overwrite ${missing.map(shellWord).join(' ')}`,
    };
  const spec = podSpecOf(agent);
  const repelling = taints.filter(
    ({ key, effect }) => effect !== 'PreferNoSchedule' && !isTolerated(key, spec),
  );
  if (repelling.length > 0) {
    return {
      text: `the DaemonSet does not tolerate ${repelling.map(({ key }) => key).join(', ')}`,
      command: addCommand(agent, '/spec/template/spec/tolerations', [{ operator: 'Exists' }]),
    };
  }
  return {
    text: 'see why the DaemonSet puts no pod there (affinity, or no room)',
    command: `kubectl describe daemonset ${daemonSet} --namespace ${namespace}`,
  };
}

function isTolerated(key: string, spec: unknown): boolean {
  return arrayAt(spec, 'tolerations').some((one) => {
    const tolerated = stringAt(one, 'key');
    return tolerated === key || (tolerated === '' && stringAt(one, 'operator') === 'Exists');
  });
}

/** The canary is ready on each node with a ready NMI. MIC names its DaemonSet; without one there is nothing to see. */
export function checkCanary({ services, pods }: DoctorWorld): Checked {
  const { items, unknown } = itemsOf(pods);
  const canaries = services.mic.flatMap(({ config }) =>
    'canary' in config && config.canary !== undefined ? [config.canary] : [],
  );
  const served = services.nmi.flatMap((nmi) => agentsOf(nmi, items)).filter(({ isReady }) => isReady);
  const findings = canaries.flatMap((canary) => {
    const there = agentsOf(canary, items).filter(({ isFinished }) => !isFinished);
    return [...new Set(served.map(({ nodeName }) => nodeName))].flatMap((node) =>
      canaryOn(
        node,
        canary,
        there.filter(({ nodeName }) => nodeName === node),
      ),
    );
  });
  return { findings, unknown: canaries.length > 0 ? unknown : [] };
}

function canaryOn(node: string, { namespace, name }: ObjectKey, here: readonly PodFacts[]): Found[] {
  if (here.some(({ isReady }) => isReady)) return [];
  const [pod] = here;
  if (pod === undefined) {
    const text = `no pod of the canary ${namespace}/${name} is on node ${node}: whether calls of its pods get to NMI is not known`;
    const command = `kubectl describe daemonset ${name} --namespace ${namespace}`;
    return [found(`Node/${node}`, problem('agent', text, { text: 'see why', command }))];
  }
  const text = `the canary on node ${node} is not ready: calls of pods there may not get to NMI`;
  const command = `kubectl logs ${pod.name} --namespace ${namespace} --tail 5`;
  return [
    found(`Node/${node}`, problem('agent', text, { text: 'its log says what answers instead', command })),
  ];
}

/** No node whose NMI is ready still has the start-up taint. */
export function checkTaints(world: DoctorWorld): Checked {
  const [nodes, pods] = [itemsOf(world.nodes), itemsOf(world.pods)];
  const unknown = [...nodes.unknown, ...pods.unknown];
  const keys = taintKeys(world);
  const ready = new Set(
    world.services.nmi
      .flatMap((nmi) => agentsOf(nmi, pods.items))
      .filter(({ isReady }) => isReady)
      .map(({ nodeName }) => nodeName),
  );
  const findings = nodes.items
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

function taintKeys({ services }: DoctorWorld): ReadonlySet<string> {
  const keys = services.mic.flatMap(({ config }) =>
    'startupTaint' in config ? taintOf(config.startupTaint) : [],
  );
  return new Set([defaultTaint, ...keys]);
}

const taintOf = (setting: unknown) => (typeof setting === 'string' ? setting : stringAt(setting, 'key'));
