// MIC, NMI, the broker, the agents on nodes, the taints that are left and the definitions.
import { bindingLabel } from '@pod-identity/crd-types';
import { shellWord, type Remedy } from '@pod-identity/policy';
import { keyOf } from '../cluster/fields.ts';
import { itemsOf } from '../cluster/lists.ts';
import { daemonSetFor, whyNoAgent, type NodeFacts } from '../cluster/node.ts';
import type { ClusterRead } from '../cluster/read-cluster.ts';
import { configsOf, isManaged, ownOf, type Installed, type Services } from '../cluster/services.ts';
import { versionOf } from '../cluster/workload.ts';
import { clusterProblem, type Causes, type Found } from './causes.ts';
import type { Service } from './report.ts';

const defaultTaint = 'aadpodidentity.k8s.io/nmi-not-ready';

export function judgeServices(read: ClusterRead, causes: Causes): readonly Service[] {
  const { mic, nmi, broker } = read.services;
  const services = [...mic, ...nmi, ...broker].map(serviceOf);
  const found = [
    ...services.filter(({ state }) => state !== 'ok').map(ailing),
    ...absentServices(read.services),
    ...secondMics(read.services),
    ...rightless(ownOf<Installed<object>>([...mic, ...nmi])),
    ...disagreements(read.services),
    ...absentKinds(read),
    ...onNodes(read),
  ];
  for (const each of found) causes.add(each);
  return services;
}

function serviceOf(service: Installed<object>): Service {
  const { role: kind, namespace, name, image, isOriginal, config, replicas } = service;
  const version = versionOf(image);
  const problems = 'problems' in config && !isOriginal ? config.problems : [];
  const text = [
    `${replicas.ready} of ${replicas.wanted} ready`,
    `version ${version}${isOriginal ? ' of the original project' : ''}`,
    ...problems.map((fault) => `flags: ${fault}`),
  ].join('; ');
  const isWell = replicas.ready >= replicas.wanted && replicas.wanted > 0 && problems.length === 0;
  return { kind, namespace, name, version, state: isWell ? 'ok' : 'problem', text };
}

const ailing = ({ kind, namespace, name, text }: Service): Found =>
  clusterProblem({
    key: `service ${kind} ${namespace}/${name}`,
    text: `${kind === 'broker' ? 'the broker' : kind.toUpperCase()} (${namespace}/${name}): ${text}`,
    remedy: {
      text: 'look at its pods and their logs',
      command: `kubectl describe ${kind === 'nmi' ? 'daemonset' : 'deployment'} ${name} --namespace ${namespace}`,
    },
  });

/** Of those that only look like a service more are not named: an editor can write any number. */
const mostImitations = 3;

function absentServices({ nmi, mic, broker, imitations, unknown }: Services): readonly Found[] {
  // What may not be listed may be installed.
  if (unknown.length > 0) return [];
  const install = 'install it: docs/administrator/quickstart.md has the commands';
  const remedy = { text: [install, ...imitations.slice(0, mostImitations)].join('; ') };
  const absent = (kind: string, text: string) => clusterProblem({ key: `service ${kind}`, text, remedy });
  if (nmi.length === 0) return [absent('nmi', 'NMI is not installed: pods get no tokens')];
  return [
    ...(mic.length === 0 && !nmi.some(isManaged)
      ? [absent('mic', 'MIC is not installed: nothing is attached to hosts')]
      : []),
    ...(broker.length === 0 && configsOf(nmi).some(({ hasBroker }) => hasBroker)
      ? [absent('broker', 'NMI has --broker, and no broker is installed: federated identities get no tokens')]
      : []),
  ];
}

/** One MIC alone changes hosts: the original's beside ours does, and one of ours with another Lease. */
function secondMics({ mic }: Services): readonly Found[] {
  const running = mic.filter(({ replicas }) => replicas.wanted > 0);
  const [first] = ownOf(running);
  return running
    .filter((one) => first !== undefined && one !== first && leaseOf(one) !== leaseOf(first))
    .map(({ namespace, name, isOriginal }) =>
      clusterProblem({
        key: `service mic beside ${namespace}/${name}`,
        text: `${isOriginal ? 'the MIC of the original project' : 'a second MIC'} (${namespace}/${name}) runs beside ours: they undo each other's work`,
        objects: [`Deployment ${namespace}/${name}`],
        remedy: {
          text: 'scale one of them down; ours goes on with the objects of the original',
          command: `kubectl scale deployment ${name} --namespace ${namespace} --replicas=0`,
        },
      }),
    );
}

const rightless = (services: readonly Installed<object>[]): readonly Found[] =>
  services.flatMap(({ role, namespace, name, account, missingRights = [] }) =>
    missingRights.length === 0
      ? []
      : [
          clusterProblem({
            key: `service ${role} ${namespace}/${name} rights`,
            text: `ServiceAccount ${namespace}/${account} may not ${missingRights.join(', ')}`,
            objects: [`ServiceAccount ${namespace}/${account}`],
            remedy: rolesOf(role, `${namespace}/${account}`),
          }),
        ],
  );

/** The manifest's roles are for its own ServiceAccount. */
function rolesOf(role: string, account: string): Remedy {
  const manifest = `deploy/base/${role}/rbac.yaml`;
  return account === `aad-pod-identity/${role}`
    ? {
        text: 'apply its roles again, from a checkout of the repository; with Helm, upgrade the release',
        command: `kubectl apply -f ${manifest}`,
      }
    : { text: `give it the rights of ${manifest}; with Helm, upgrade the release` };
}

const leaseOf = ({ config, isOriginal, ...mic }: Services['mic'][number]): string =>
  isOriginal || 'problems' in config ? `of ${keyOf(mic)}` : keyOf(config.leader);

/** What MIC attaches and what NMI hands out is decided by the same flags. */
function disagreements({ nmi, mic }: Services): readonly Found[] {
  const [[agent], [controller]] = [configsOf(ownOf(nmi)), configsOf(ownOf(mic))];
  if (agent === undefined || controller === undefined) return [];
  return (
    [
      ['--forceNamespaced', agent.forceNamespaced, controller.forceNamespaced],
      ['--identity-access', agent.identityAccess, controller.access.mode],
    ] as const
  )
    .filter(([, ofNmi, ofMic]) => ofNmi !== ofMic)
    .map(([flag, ofNmi, ofMic]) =>
      clusterProblem({
        key: `flags ${flag}`,
        text: `NMI has ${flag}=${ofNmi}, MIC has ${flag}=${ofMic}: pods get what is not attached, or the other way round`,
        remedy: { text: 'give MIC the value of NMI, or NMI that of MIC' },
      }),
    );
}

function absentKinds(read: ClusterRead): readonly Found[] {
  return [read.identities, read.bindings, read.records, read.exceptions].flatMap((list) =>
    list.kind === 'not-read' && list.why === 'absent'
      ? [clusterProblem({ key: `definition ${list.text}`, text: list.text, remedy: updateDefinitions })]
      : [],
  );
}

export const updateDefinitions = {
  text: 'update the definitions, from a checkout of the repository',
  command: 'kubectl apply -f deploy/crds',
};

/** Nodes with pods in need and no ready NMI, and the taint that is left where NMI is ready. */
function onNodes(read: ClusterRead): readonly Found[] {
  const { services, agents, nodes, pods } = read;
  if (agents.unknown.length + services.unknown.length > 0 || services.nmi.length === 0) return [];
  const ready = new Set(agents.pods.filter(({ isReady }) => isReady).map(({ node }) => node));
  const inNeed = itemsOf(pods).flatMap(({ labels, isFinished, nodeName }) =>
    !isFinished && nodeName !== '' && bindingLabel in labels ? [nodeName] : [],
  );
  return [
    ...[...new Set([...agents.pods.map(({ node }) => node), ...inNeed])]
      .filter((name) => !ready.has(name))
      .flatMap((name) => agentCause(read, name) ?? []),
    ...itemsOf(nodes)
      .filter(({ name }) => ready.has(name))
      .flatMap(leftTaints),
  ];
}

/** Undefined: NMI is ready there. */
export function agentCause({ services, agents, nodes }: ClusterRead, name: string): Found | undefined {
  const own = agents.pods.filter((one) => one.node === name);
  if (own.some(({ isReady }) => isReady)) return undefined;
  const [agent] = own;
  const key = `agent ${name}`;
  if (agent === undefined) {
    const node = itemsOf(nodes).find((one) => one.name === name);
    const daemonSet = daemonSetFor(node, services.nmi);
    const remedy = daemonSet && whyNoAgent(node, daemonSet);
    const text = `NMI has no pod on node ${name}: pods there get no token`;
    return clusterProblem({ key, text, objects: [`Node ${name}`], remedy });
  }
  const why = agent.why === '' ? '' : ` (${agent.why})`;
  return clusterProblem({
    key,
    text: `NMI on node ${name} is not ready${why}: pods there get no token`,
    objects: [`Node ${name}`, `Pod ${keyOf(agent)}`],
    remedy: {
      text: 'read its log; a new pod takes its place if it is deleted',
      command: `kubectl logs ${agent.name} --namespace ${agent.namespace}`,
    },
  });
}

const leftTaints = ({ name, taints }: NodeFacts): readonly Found[] =>
  taints
    .filter(({ key }) => key === defaultTaint)
    .map(({ key }) =>
      clusterProblem({
        key: `taint ${name}`,
        text: `node ${name} still has the taint ${key}, although NMI is ready there: no pod comes to it`,
        objects: [`Node ${name}`],
        remedy: { text: 'remove it', command: `kubectl taint nodes ${name} ${shellWord(key)}-` },
      }),
    );
