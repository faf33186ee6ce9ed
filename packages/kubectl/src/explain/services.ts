// The services that a pod's token comes through, as far as the objects of the cluster tell: NMI of its node, MIC, the broker.
import { info, ok, problem, shellWord, waiting, type Finding, type Remedy } from '@pod-identity/policy';
import type { AgentPod } from '../cluster/agents.ts';
import type { Installed } from '../cluster/services.ts';
import { arrayAt } from '../cluster/workload.ts';
import { memberOf, stringAt } from '../../../mic/src/commands/plug-in.ts';

export interface Agents {
  readonly daemonSet: Pick<Installed<unknown>, 'namespace' | 'name' | 'object'>;
  /** On the pod's node; undefined: they may not be listed. */
  readonly pods: readonly Pick<AgentPod, 'name' | 'isReady'>[] | undefined;
  /** Undefined: it may not be read. */
  readonly node: unknown;
}

export function agentFindings(nodeName: string, { daemonSet, pods, node }: Agents): readonly Finding[] {
  const { namespace, name } = daemonSet;
  const key = `${namespace}/${name}`;
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
        `NMI (DaemonSet ${key}) has no pod on ${nodeName}`,
        whyNoAgent(nodeName, { daemonSet, node }),
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

function whyNoAgent(nodeName: string, { daemonSet, node }: Omit<Agents, 'pods'>): Remedy {
  const { namespace, name, object } = daemonSet;
  const template = memberOf(memberOf(memberOf(object, 'spec'), 'template'), 'spec');
  const missing = node === undefined ? [] : missingLabels(template, node);
  if (missing.length > 0)
    return {
      text: `the node lacks labels of the DaemonSet's nodeSelector`,
      command: `kubectl label node ${nodeName} --overwrite ${missing.map(shellWord).join(' ')}`,
    };
  const taint = arrayAt(memberOf(node, 'spec'), 'taints').find((one) => repels(one, template));
  if (taint === undefined)
    return {
      text: 'its events say why',
      command: `kubectl --namespace ${namespace} describe daemonset ${name}`,
    };
  const patch = { spec: { template: { spec: { tolerations: [{ operator: 'Exists' }] } } } };
  return {
    text: `the node has the taint ${stringAt(taint, 'key')}, which the DaemonSet does not tolerate: let it tolerate all`,
    command: `kubectl --namespace ${namespace} patch daemonset ${name} --type merge --patch ${shellWord(JSON.stringify(patch))}`,
  };
}

function missingLabels(template: unknown, node: unknown): readonly string[] {
  const selector = memberOf(template, 'nodeSelector');
  const labels = memberOf(memberOf(node, 'metadata'), 'labels');
  return Object.keys(typeof selector === 'object' && selector !== null ? selector : {})
    .filter((key) => stringAt(labels, key) !== stringAt(selector, key))
    .map((key) => `${key}=${stringAt(selector, key)}`);
}

/** DaemonSets tolerate the taints of nodes that are not ready. */
function repels(taint: unknown, template: unknown): boolean {
  const [key = '', value, effect] = ['key', 'value', 'effect'].map((name) => stringAt(taint, name));
  if (effect === 'PreferNoSchedule' || key.startsWith('node.kubernetes.io/')) return false;
  return !arrayAt(template, 'tolerations').some((toleration) => {
    const [ownKey, ownValue, ownEffect] = ['key', 'value', 'effect'].map((name) =>
      stringAt(toleration, name),
    );
    const isAny = stringAt(toleration, 'operator') === 'Exists';
    const fits = isAny ? ownKey === '' || ownKey === key : ownKey === key && ownValue === value;
    return fits && (ownEffect === '' || ownEffect === effect);
  });
}

type Running = Pick<Installed<unknown>, 'kind' | 'namespace' | 'name' | 'replicas'>;

export interface Wanted {
  readonly found: readonly Running[];
  /** Not all namespaces could be looked at. */
  readonly isPartial: boolean;
}

/** MIC writes assignments; tokens of pods that have theirs go on without it. */
export function micFinding({ found, isPartial }: Wanted): Finding {
  const ready = found.find(({ replicas }) => replicas.ready > 0);
  if (ready) return ok('record', `MIC runs (${describe(ready)})`);
  const [first] = found;
  if (first)
    return waiting(
      'record',
      `MIC does not run (${describe(first)}): nothing is attached meanwhile`,
      podsOf(first),
    );
  return isPartial
    ? info('record', 'whether MIC runs is not known: you may not look for it in all namespaces')
    : noMic;
}

/** Of identities of type 3. */
export function brokerFinding({ found, isPartial }: Wanted): Finding {
  const ready = found.find(({ replicas }) => replicas.ready > 0);
  if (ready) return ok('identity', `the broker of federated identities runs (${describe(ready)})`);
  const [first] = found;
  if (first)
    return problem(
      'identity',
      `the broker of federated identities does not run (${describe(first)})`,
      podsOf(first),
    );
  return isPartial
    ? info(
        'identity',
        'whether the broker of federated identities runs is not known: you may not look for it in all namespaces',
      )
    : problem('identity', 'no broker of federated identities was found, and identities of type 3 need one', {
        text: 'install it: docs/administrator/federated.md',
      });
}

const noMic = waiting('record', 'no MIC was found: nothing is attached to machines', {
  text: 'install it, or run NMI with --operation-mode=managed if the machines have their identities otherwise: deploy/README.md',
});

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
