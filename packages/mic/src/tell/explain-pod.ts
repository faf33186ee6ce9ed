import { bindingLabel, nodeLabel } from '@pod-identity/crd-types';
import {
  explainMatch,
  info,
  invalidFinding,
  kindInWords,
  modeForIdentity,
  ok,
  problem,
  rightFinding,
  unboundFinding,
  uselessReviews,
  waiting,
  whoDecides,
  type Finding,
} from '@pod-identity/policy';
import { decidePod } from '../plan/desired.ts';
import { saysAssigned } from '../plan/diff.ts';
import type { Known } from '../plan/records.ts';
import type { Assignment } from '../plan/types.ts';
import { keyOf } from '../snapshot/keys.ts';
import { referenceTo } from '../snapshot/trims.ts';
import type { AssignedView, PodView } from '../snapshot/views.ts';
import type { ClusterIndex } from '../snapshot/index/cluster-index.ts';
import type { HostFacts } from '../snapshot/facts/facts.ts';
import type { HostKey } from '../snapshot/index/host-groups.ts';
import { describeHost } from './events.ts';
import { explainHost } from './explain-host.ts';
import { lookUp } from './look-up.ts';
import { explainSkip, manyRights, noRoomForLabels, noRoomRemedy } from './explain-skip.ts';
import { listProblems } from './spec-texts.ts';

export interface ExplainWorld extends Known {
  readonly factsOf: (host: HostKey) => HostFacts | undefined;
  readonly now: number;
  readonly micPrincipalId?: string | undefined;
  /** Mode `namespace`, for the pod's namespace. */
  readonly isOpen?: boolean;
  /** The API server allows anybody the use of identities, so that MIC uses none of its answers. */
  readonly allowsAnybody?: boolean;
  /** The pods of the namespace need more rights than MIC asks about. */
  readonly hasManyRights?: boolean;
  /** What MIC wrote down about its hosts was not found: who attached what, and what Azure refused. */
  readonly lacksRecords?: boolean;
  /** Whoever asks has no access to Azure. */
  readonly lacksAzure?: boolean;
  /** A message about the original's MIC, if it runs too. */
  readonly original?: string | undefined;
}

export interface ExplainedPod {
  readonly namespace: string;
  readonly name: string;
  /** The API server's state of a pod that is not in the index, which keeps only pods with the label. */
  readonly unknownPod?: 'unlabelled' | 'without-account' | 'absent';
}

export interface Explanation {
  /** `namespace/name`. */
  readonly pod: string;
  readonly findings: readonly Finding[];
  readonly result: Finding;
}

/** Why a pod can or cannot use its identities: all necessary steps, in order. */
export function explainPod(explained: ExplainedPod, world: ExplainWorld): Explanation {
  const key = keyOf(explained);
  const pod = world.index.pod(key);
  const others = world.original === undefined ? [] : [info('original', world.original)];
  const findings = [
    ...others,
    ...(pod ? explainLabelled(pod, world) : [withoutView(explained, world.index)]),
    ...invalidBindings(explained.namespace, world.index),
  ];
  return { pod: key, findings, result: conclude(findings, world) };
}

/** Of a namespace whose editor may create any number. */
const mostInvalid = 10;

/** Of the pod's namespace: one may be meant for the pod. */
function invalidBindings(namespace: string, index: ClusterIndex): Finding[] {
  const all = index.objects.invalidBindings(namespace);
  const reported = all
    .slice(0, mostInvalid)
    .map(({ key, problems }) =>
      invalidFinding({ kind: 'AzureIdentityBinding', key, fault: listProblems(problems) }),
    );
  const more = all.length - reported.length;
  const rest = `${more} more AzureIdentityBindings of namespace ${namespace} are not valid`;
  return more === 0 ? reported : [...reported, info('binding', rest)];
}

function withoutView({ namespace, name, unknownPod }: ExplainedPod, index: ClusterIndex): Finding {
  if (unknownPod === 'absent') {
    return problem('pod', 'there is no such pod', { text: 'check the name and the namespace' });
  }
  const why = unknownPod === 'without-account' ? 'no-account' : 'no-label';
  return unboundFinding(keyOf({ namespace, name }), { why }, lookUp(namespace, undefined, index));
}

function explainLabelled(pod: PodView, world: ExplainWorld): Finding[] {
  const { assignments, skips } = decidePod(world.index, keyOf(pod), world.records);
  const isLabelBad = skips.some(({ reason }) => reason === 'empty-label');
  const isLabelled = !isLabelBad && pod.isUnlabelled !== true;
  return [
    ...(isLabelled ? [ok('label', `${bindingLabel}=${pod.bindingLabel}`)] : []),
    ...(pod.isUnlabelled === true && assignments.length + skips.length === 0
      ? [
          unboundFinding(
            keyOf(pod),
            { why: 'no-label', isUnselected: true },
            lookUp(pod.namespace, undefined, world.index),
          ),
        ]
      : []),
    ...(pod.labelsLeftOut === true ? [problem('label', noRoomForLabels, { text: noRoomRemedy })] : []),
    ...explainNode(pod, world.index),
    ...(world.isOpen === true ? [info('access', whoDecides.namespace)] : []),
    ...(world.allowsAnybody === true ? [info('access', uselessReviews, refuseStrangers)] : []),
    ...(world.hasManyRights === true ? [info('access', manyRights)] : []),
    ...assignments.flatMap((assignment) => explainAssignment(assignment, world)),
    ...skips.flatMap((skip) => explainSkip(skip, lookUp(pod.namespace, skip, world.index))),
  ];
}

const refuseStrangers = {
  text: 'start the API server with --authorization-mode=Node,RBAC, or remove the right',
};

function explainNode(pod: PodView, index: ClusterIndex): Finding[] {
  const { exists, host } = index.nodeHost(pod.nodeName);
  if (!exists) return [];
  if (!host) return [info('node', `${pod.nodeName} is on no Azure host`)];
  return [ok('node', `${pod.nodeName} on ${describeHost(host)} (${host.id})`)];
}

/** Whether the ServiceAccount may use the identity: denials are among the skips. */
function explainRight({ pod, identity }: Assignment, { index }: ExplainWorld): Finding[] {
  if (modeForIdentity(identity, index.accessMode(pod.namespace)) !== 'rbac') return [];
  const subject = { namespace: pod.namespace, name: pod.serviceAccount };
  return [rightFinding({ identity: keyOf(identity.metadata), subject })];
}

function explainAssignment(assignment: Assignment, world: ExplainWorld): Finding[] {
  const { pod, identity, resourceId } = assignment;
  const { host } = world.index.nodeHost(pod.nodeName);
  return [
    ...explainMatch(pod.namespace, assignment, world.index.reach(pod.namespace)),
    ...explainRight(assignment, world),
    ...(host && resourceId !== undefined
      ? explainHost({
          ...world,
          id: resourceId,
          host,
          identity: referenceTo(identity),
          facts: world.factsOf(host.id),
          statedClientId: identity.spec.clientID,
        })
      : [info('host', `need not carry anything for ${kindInWords(identity)}`)]),
    explainRecord(assignment, world),
  ];
}

function explainRecord({ objectNamespace, objectName }: Assignment, { records }: Known): Finding {
  const key = `${objectNamespace}/${objectName}`;
  return recordFinding(key, records.at(key));
}

/** `key`: `namespace/name`. `view`: undefined if there is none. */
export function recordFinding(key: string, view: AssignedView | undefined): Finding {
  if (!view) return waiting('record', `AzureAssignedIdentity ${key} is not written yet`);
  if (view.isMislabelled) {
    const label = `${nodeLabel}=${view.nodeName}`;
    return waiting(
      'record',
      `AzureAssignedIdentity ${key} lacks the label ${label}, by which NMI asks for it`,
    );
  }
  return saysAssigned(view)
    ? ok(
        'record',
        `AzureAssignedIdentity ${key} is ${view.state === '' ? 'usable (without a state)' : view.state}`,
      )
    : waiting('record', `AzureAssignedIdentity ${key} is ${view.state}`);
}

/** The worst finding decides. */
function conclude(findings: readonly Finding[], { lacksRecords }: ExplainWorld): Finding {
  const has = (verdict: Finding['verdict']) => findings.some((finding) => finding.verdict === verdict);
  if (has('problem')) return problem('result', 'the pod does not get everything it is meant to get');
  const unless = lacksRecords === true ? ', unless Azure has refused it, which only MIC’s records tell' : '';
  if (has('waiting')) return waiting('result', `the pod will get what it is meant to get${unless}`);
  if (findings.some(({ topic }) => topic === 'record')) return ok('result', 'the pod gets tokens');
  return info('result', 'the pod gets nothing, and needs nothing');
}
