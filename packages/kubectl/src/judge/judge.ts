// Room: the one judgement over what was read of the cluster: causes, each with all that it concerns; status, doctor and the page show it.
// It must not decide who may use an identity: mic, nmi and policy do.
import type { Rules } from '../rights/modes.ts';
import type { Pair } from '../rights/verdicts.ts';
import { itemsOf, unknownOf, type Listed } from '../cluster/lists.ts';
import type { ClusterRead } from '../cluster/read-cluster.ts';
import { configsOf, ownOf, type Installed } from '../cluster/services.ts';
import { byState, createCauses, unknownCause } from './causes.ts';
import { identityCauses } from './judge-identities.ts';
import { isDenied, judgePods, noBindings, type Judged } from './judge-pods.ts';
import { createMatching } from './matching.ts';
import { judgeServices } from './judge-services.ts';
import type { Report } from './report.ts';

export type JudgeInput = Pick<Judged, 'read' | 'rules' | 'rightOf' | 'missed'>;

/** What to ask about rights before `judge`. */
export function requestsOf(read: ClusterRead, rules: Rules): readonly Pair[] {
  const matching = createMatching(read, rules);
  return itemsOf(read.pods).flatMap((pod) =>
    pod.isFinished || pod.isOnHostNetwork
      ? []
      : [
          ...(matching.isExempt(pod) ? matching.machineRequests(pod) : []),
          ...matching.of(pod).matches.flatMap(({ identity }) => matching.requests(pod, identity)),
        ],
  );
}

export function judge(input: JudgeInput): Report {
  const { read, missed } = input;
  const causes = createCauses();
  const services = judgeServices(read, causes);
  const refusals = identityCauses(read, causes);
  if (isDenied(read.identities) || isDenied(read.bindings)) causes.add(noBindings);
  if (isDenied(read.pods))
    causes.add(unknownCause('which pods there are is not known: you may not list them'));
  const pods = judgePods({ ...input, causes, refusals });
  const sorted = causes.sorted();
  return {
    causes: sorted,
    services,
    pods: pods.toSorted((a, b) => byState(a, b) || a.pod.localeCompare(b.pod, 'en')),
    holding: holdingOf(input, { causes: sorted, pods }),
    unknown: [
      ...read.services.unknown,
      ...read.agents.unknown,
      ...[read.identities, read.bindings, read.exceptions, read.records].flatMap(unknownOf),
      ...[read.pods, read.nodes, read.namespaces].flatMap(unknownOf),
      ...(missed?.unknown ?? []),
    ],
  };
}

/** What is checked, as the causes of each check begin. */
function holdingOf(
  { read, missed }: JudgeInput,
  { causes, pods: rows }: Pick<Report, 'causes' | 'pods'>,
): readonly string[] {
  const { services, agents, nodes, identities, bindings, exceptions, pods, records } = read;
  const isRead = (...lists: readonly Listed<unknown>[]) => lists.every(({ kind }) => kind === 'read');
  const areAgentsKnown = agents.unknown.length + services.unknown.length === 0 && services.nmi.length > 0;
  const haveFlags = [services.mic, services.nmi].every(
    (all) => configsOf<object>(ownOf<Installed<object>>(all)).length > 0,
  );
  const areWell = rows.every(({ state, identities: { length } }) => state === 'ok' || length === 0);
  const checks: readonly (readonly [isKnown: boolean, prefix: string, words: string])[] = [
    [services.unknown.length === 0, 'service ', 'NMI and MIC are installed, ready and alone'],
    [haveFlags, 'flags ', 'MIC and NMI agree on who may use what'],
    [areAgentsKnown && isRead(pods), 'agent ', 'NMI is ready where pods need it'],
    [areAgentsKnown && isRead(nodes), 'taint ', 'no start-up taint is left'],
    [isRead(identities), 'AzureIdentity ', 'MIC has no complaint about an AzureIdentity'],
    [
      isRead(identities, bindings),
      'AzureIdentityBinding ',
      'each AzureIdentityBinding names an AzureIdentity',
    ],
    [isRead(identities), 'secret ', 'each Secret that an identity names exists'],
    [isRead(exceptions, pods), 'AzurePodIdentityException ', 'no exception matches the pods of a whole team'],
    [isRead(pods, bindings, identities), 'unbound ', 'each labelled pod has a binding'],
    [isRead(pods), 'label ', 'no label key is nearly right'],
    [isRead(pods, bindings, identities), 'right ', 'ServiceAccounts have the rights that their pods need'],
    [
      isRead(identities) && missed?.unknown.length === 0,
      'credential ',
      'no pod has missed a federated credential',
    ],
    [isRead(pods, bindings, identities, records) && areWell, 'unassigned ', 'each identity is assigned'],
    [isRead(identities, bindings, exceptions, records), 'definition ', 'the definitions are installed'],
  ];
  return checks.flatMap(([isKnown, prefix, words]) =>
    isKnown && !causes.some(({ key }) => key.startsWith(prefix)) ? [words] : [],
  );
}
