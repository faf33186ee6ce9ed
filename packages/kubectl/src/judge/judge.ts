// Room: the one judgement over what was read of the cluster, pure: causes, each with all that it concerns.
import { accessTargetKey } from '@pod-identity/crd-types';
import type { Rules } from '../rights/modes.ts';
import type { Right } from '../rights/verdicts.ts';
import { keyOf } from '../cluster/fields.ts';
import { itemsOf, unknownOf } from '../cluster/lists.ts';
import type { ClusterRead } from '../cluster/read-cluster.ts';
import { createCauses } from './causes.ts';
import { identityCauses } from './judge-identities.ts';
import { createMatching, judgePods, recordsByPod, states, type RightRequest } from './judge-pods.ts';
import { judgeServices } from './judge-services.ts';
import type { Report } from './report.ts';

export interface JudgeInput {
  readonly read: ClusterRead;
  readonly rules: Rules;
  readonly rightOf: (request: RightRequest) => Right;
}

/** What to ask about rights before `judge`: of pods without a record. */
export function requestsOf(read: ClusterRead, rules: Rules): readonly RightRequest[] {
  const matching = createMatching(read, rules);
  const recorded = recordsByPod(read);
  const requests = itemsOf(read.pods).flatMap((pod) =>
    pod.isFinished || pod.isOnHostNetwork
      ? []
      : matching
          .of(pod)
          .matches.filter(({ identity }) => recorded.get(keyOf(pod))?.has(keyOf(identity.metadata)) !== true)
          .flatMap(({ identity }) => matching.requests(pod, identity)),
  );
  return [...new Map(requests.map((request) => [requestKey(request), request])).values()];
}

export const requestKey = ({ subject, target }: RightRequest): string =>
  `${keyOf(subject)} ${accessTargetKey(target)}`;

export function judge(input: JudgeInput): Report {
  const { read } = input;
  const causes = createCauses();
  const services = judgeServices(read, causes);
  const isRefused = identityCauses(read, causes);
  const podRows = judgePods({ ...input, causes, isRefused });
  const all = causes.sorted();
  return {
    causes: all,
    services,
    pods: podRows.toSorted(
      (a, b) => states.indexOf(a.state) - states.indexOf(b.state) || a.pod.localeCompare(b.pod, 'en'),
    ),
    holding: holdingOf(read, all),
    unknown: [
      ...read.services.unknown,
      ...read.agents.unknown,
      ...[read.identities, read.bindings, read.exceptions, read.records, read.pods, read.nodes].flatMap(
        unknownOf,
      ),
      ...[...read.secrets].flatMap(([key, isThere]) =>
        isThere === undefined ? [`you may not get Secret ${key}`] : [],
      ),
    ],
  };
}

function holdingOf(read: ClusterRead, causes: Report['causes']): readonly string[] {
  const isClear = (prefix: string) => !causes.some(({ key }) => key.startsWith(prefix));
  const checks: readonly (readonly [isKnown: boolean, prefix: string, words: string])[] = [
    [read.services.unknown.length === 0, 'service', 'the services are there and ready'],
    [read.agents.unknown.length === 0, 'agent', 'NMI is ready where pods need it'],
    [read.nodes.kind === 'read', 'taint', 'no start-up taint is left'],
    [read.identities.kind === 'read', 'identity', 'MIC has no complaint about an AzureIdentity'],
    [read.bindings.kind === 'read', 'binding', 'each AzureIdentityBinding names an AzureIdentity'],
    [![...read.secrets.values()].includes(undefined), 'secret', 'each Secret that an identity names exists'],
    [read.exceptions.kind === 'read', 'exception', 'no exception matches the pods of a whole team'],
    [read.pods.kind === 'read', 'label', 'no label key is nearly right'],
    [read.pods.kind === 'read', 'right', 'ServiceAccounts have the rights that their pods need'],
    [read.records.kind === 'read', 'unassigned', 'each identity is assigned'],
    [
      read.identities.kind === 'read' || read.identities.why !== 'absent',
      'definition',
      'the definitions are installed',
    ],
  ];
  return checks.flatMap(([isKnown, prefix, words]) => (isKnown && isClear(prefix) ? [words] : []));
}
