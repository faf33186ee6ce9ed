// MIC, NMI, the broker and the pods of NMI.
import type { AgentPod, Agents } from '../cluster/agents.ts';
import { isManaged, ownOf, type Installed, type Services } from '../cluster/services.ts';
import { versionOf } from '../cluster/workload.ts';
import type { AgentFault } from './object-rows.ts';
import type { Row } from './row.ts';

export function serviceRows({ mic, nmi, broker, unknown }: Services): readonly Row[] {
  const rows = [...mic, ...nmi, ...broker].map(serviceRow);
  // What may not be listed may be installed.
  if (unknown.length > 0) return rows;
  const wantsMic = nmi.length > 0 && !nmi.some(isManaged);
  const wantsBroker = nmi.some(({ config }) => 'hasBroker' in config && config.hasBroker);
  const faults: readonly (readonly [isSo: boolean, kind: Row['kind'], about: string])[] = [
    [nmi.length === 0, 'nmi', 'NMI is not installed: pods get no tokens'],
    [
      mic.length === 0 && wantsMic,
      'mic',
      'MIC is not installed: nothing is attached to hosts (NMI has not --operation-mode=managed)',
    ],
    [
      wantsBroker && broker.length === 0,
      'broker',
      'NMI has --broker, and no broker is installed: federated identities get no tokens',
    ],
    [
      ![0, mic.length].includes(ownOf(mic).length),
      'mic',
      'the MIC of the original project is installed beside ours: remove one of them',
    ],
  ];
  return [...rows, ...faults.flatMap(([isSo, kind, about]) => (isSo ? [absent(kind, about)] : []))];
}

const absent = (kind: Row['kind'], about: string): Row => ({
  kind,
  namespace: '',
  name: '',
  state: 'problem',
  about,
});

function serviceRow(service: Installed<object>): Row {
  const { role, namespace, name, image, isOriginal, config, replicas } = service;
  const { wanted, ready } = replicas;
  const version = versionOf(image);
  const problems = 'problems' in config ? config.problems : [];
  const about = [
    `${ready} of ${wanted} ready`,
    `version ${version}${isOriginal ? ' of the original project' : ''}`,
    ...problems.map((problem) => `flags: ${problem}`),
  ].join('; ');
  const isWell = ready >= wanted && wanted > 0 && (isOriginal || problems.length === 0);
  return { kind: role, namespace, name, state: isWell ? 'ok' : 'problem', about, version };
}

/** As `explain` says of a pod; nothing where NMI or its pods may not be looked for. */
export function agentFaults({ nmi, unknown }: Pick<Services, 'nmi' | 'unknown'>, agents: Agents): AgentFault {
  if (unknown.length + agents.unknown.length > 0) return () => undefined;
  if (nmi.length === 0) return () => 'NMI is not installed: pods get no tokens';
  const nodes = new Map<string, boolean>();
  for (const { node, isReady } of agents.pods) nodes.set(node, isReady || nodes.get(node) === true);
  return (node) => {
    const isReady = nodes.get(node);
    if (node === '' || isReady === true) return undefined;
    const fault = isReady === undefined ? `NMI has no pod on ${node}` : `NMI on ${node} is not ready`;
    return `${fault}: the pod gets no token`;
  };
}

/** `nodesInNeed`: nodes with pods that have identities. */
export function agentRows(
  services: Services,
  agents: readonly AgentPod[],
  nodesInNeed: ReadonlySet<string>,
): readonly Row[] {
  const wanted = new Map(services.nmi.map(({ namespace, image }) => [namespace, versionOf(image)]));
  const served = new Set(agents.map(({ node }) => node));
  const lacking = [...nodesInNeed].filter((node) => !served.has(node));
  return [
    ...agents.map((agent) => agentRow(agent, wanted.get(agent.namespace))),
    // Without a DaemonSet there is a row about that.
    ...(services.nmi.length === 0 ? [] : lacking.map(withoutAgent)),
  ];
}

function agentRow(
  { namespace, name, node, image, isReady, why, restarts, isEnding }: AgentPod,
  wanted?: string,
): Row {
  const version = versionOf(image);
  const row = { kind: 'agent', namespace, name, node, version } as const;
  if (isEnding) return { ...row, state: 'waiting', about: `node ${node}: is ending` };
  if (!isReady)
    return { ...row, state: 'problem', about: `node ${node}: not ready${why === '' ? '' : `: ${why}`}` };
  const restarted = restarts === 0 ? '' : `, restarted ${restarts} times`;
  if (wanted !== undefined && wanted !== version)
    return { ...row, state: 'waiting', about: `node ${node}: version ${version}, not yet ${wanted}` };
  return { ...row, state: 'ok', about: `node ${node}: ready${restarted}` };
}

function withoutAgent(node: string): Row {
  const about = `node ${node} has pods with identities and no NMI: these get no tokens`;
  return { kind: 'agent', namespace: '', name: '', node, state: 'problem', about };
}
