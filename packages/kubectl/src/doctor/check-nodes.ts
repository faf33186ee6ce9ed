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
  const [nmi] = world.services.nmi.filter(({ isOriginal }) => !isOriginal);
  if (nmi === undefined || unknown.length > 0) return { findings: [], unknown };
  const inNeed = Map.groupBy(
    pods.items.filter(({ labels, isFinished }) => !isFinished && bindingLabel in labels),
    ({ nodeName }) => nodeName,
  );
  const findings = nodes.items.flatMap((node) => {
    const waiting = inNeed.get(node.name) ?? [];
    if (waiting.length === 0) return [];
    return agentOn(node, { nmi, waiting: waiting.length, agents: agentsOf(nmi, pods.items) });
  });
  return { findings, unknown };
}

interface Coverage {
  readonly nmi: Agent;
  readonly waiting: number;
  readonly agents: readonly PodFacts[];
}

function agentOn(node: NodeFacts, { nmi, waiting, agents }: Coverage): Found[] {
  const here = agents.filter(({ nodeName }) => nodeName === node.name);
  if (here.some(({ isReady }) => isReady)) return [];
  const object = `Node/${node.name}`;
  const cost = `${waiting} ${waiting === 1 ? 'pod' : 'pods'} there get no token`;
  const [pod] = here;
  if (pod === undefined)
    return [
      found(object, problem('agent', `no pod of NMI is on node ${node.name}: ${cost}`, whyAway(node, nmi))),
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

/** Why the DaemonSet puts no pod there. */
function whyAway({ name, labels, taints }: NodeFacts, agent: Agent): Remedy {
  const { namespace, name: daemonSet, object } = agent;
  const spec = memberOf(memberOf(memberOf(object, 'spec'), 'template'), 'spec');
  const selector = Object.entries((memberOf(spec, 'nodeSelector') ?? {}) as Readonly<Record<string, string>>);
  const missing = selector.filter(([key, value]) => labels[key] !== value);
  if (missing.length > 0) {
    const wanted = missing.map(([key, value]) => shellWord(`${key}=${value}`)).join(' ');
    return {
      text: `the node lacks labels of the nodeSelector of DaemonSet ${namespace}/${daemonSet}`,
      command: `kubectl label node ${name} --overwrite ${wanted}`,
    };
  }
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
