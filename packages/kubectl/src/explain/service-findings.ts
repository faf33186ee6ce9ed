// The services that a pod's token comes through, in status' words.
import { inBroker, info, ok, problem, waiting, type Finding } from '@pod-identity/policy';
import type { ClusterRead } from '../cluster/read-cluster.ts';
import type { Causes } from '../judge/causes.ts';
import { agentCause } from '../judge/judge-services.ts';

interface Surroundings {
  readonly nodeName: string;
  readonly isManaged: boolean;
  readonly findings: readonly Finding[];
}

export function serviceFindings(
  read: ClusterRead,
  causes: Causes,
  { nodeName, isManaged, findings }: Surroundings,
): readonly Finding[] {
  const said = causes.sorted().flatMap(({ key, text, remedy }): Finding[] => {
    if (key.startsWith('service mic') && !isManaged)
      return [waitsForMic(findings) ? waiting('record', text, remedy) : info('record', text, remedy)];
    return key.startsWith('service broker') && needsBroker(findings)
      ? [problem('identity', text, remedy)]
      : [];
  });
  const absent = causes.get('service nmi');
  return [
    ...said,
    ...(absent ? [problem('node', absent.text, absent.remedy)] : agentFindings(read, nodeName)),
  ];
}

/** What is assigned goes on without MIC. */
const waitsForMic = (findings: readonly Finding[]) =>
  findings.some(({ topic, verdict }) => topic === 'record' && verdict === 'waiting');

/** Whether the pod is bound to an identity of type 3. */
const needsBroker = (findings: readonly Finding[]) =>
  findings.some(({ remedy }) => remedy?.command?.startsWith(inBroker('check-federated')) === true);

export const isAgentUnknown = ({ agents, services }: ClusterRead): boolean =>
  services.nmi.length === 0 ? services.unknown.length > 0 : agents.unknown.length > 0;

/** The agent of the pod's own node decides; that others are not ready does not matter to it. */
function agentFindings(read: ClusterRead, nodeName: string): readonly Finding[] {
  const { agents, services } = read;
  if (services.nmi.length === 0)
    return [info('node', 'whether NMI runs, and with which flags, is not known: its defaults are assumed')];
  if (nodeName === '') return [];
  const fault = agentCause(read, nodeName);
  if (fault === undefined) return [ok('node', `NMI is ready on ${nodeName}`)];
  return agents.unknown.length > 0
    ? [info('node', `whether NMI runs on ${nodeName} is not known: ${agents.unknown.join('; ')}`)]
    : [problem('node', fault.text, fault.remedy)];
}
