import type { MismatchReason } from '@pod-identity/crd-types';
import {
  info,
  missingRightFinding,
  ok,
  problem,
  spareFinding,
  unboundFinding,
  unknownRightFinding,
  waiting,
  type Finding,
  type Lookup,
  type MissingRight,
  type Unbound,
} from '@pod-identity/policy';
import type { Skip, SkipReason } from '../plan/types.ts';
import { keyOf } from '../snapshot/keys.ts';

/** Why a pod, or one of its bindings, gets no assignment. */
export function explainSkip(skip: Skip, lookup: Lookup = {}): Finding[] {
  if (skip.unbound) return [unboundFinding(keyOf(skip.pod), skip.unbound, lookup)];
  return isOwn(skip.reason) ? [explanations[skip.reason](skip)].flat() : [spareFinding(skip)];
}

/** Reasons that are none of matching. */
type OwnReason = Exclude<SkipReason, MismatchReason | Unbound['why']>;

const isOwn = (reason: SkipReason): reason is OwnReason => Object.hasOwn(explanations, reason);

const explanations: Readonly<Record<OwnReason, (skip: Skip) => Finding | Finding[]>> = {
  'not-listed': ({ pod }) => problem('namespace', notListed(pod.namespace), { text: notListedRemedy }),
  'not-scheduled': () => waiting('node', 'no node has been chosen for the pod yet'),
  finished: () => info('pod', 'has finished: it needs no identity any more'),
  'node-missing': ({ pod }) =>
    problem('node', `${pod.nodeName} does not exist`, { text: 'the pod will be removed with its node' }),
  'node-without-host': ({ identity = '', detail = '' }) =>
    problem('host', `AzureIdentity ${identity} is a managed identity, which only an Azure host can carry`, {
      text: `run the pod on an Azure node: ${detail}`,
    }),
  'access-denied': (skip) => [selects(skip), missingRightFinding(missingRightOf(skip), 'rbac')],
  'access-warned': (skip) => missingRightFinding(missingRightOf(skip), 'warn'),
  'access-unknown': (skip) => [
    selects(skip),
    unknownRightFinding(
      missingRightOf(skip),
      `nothing is changed until the API server has answered${skip.leftOut === true ? `. ${manyRights}` : ''}`,
    ),
  ],
};

const notListed = (namespace: string) =>
  `MIC has not listed all pods of namespace ${namespace} yet, which has bindings by podSelector or serviceAccountName: until then its pods keep what they have`;

const notListedRemedy = 'it goes on by itself; the log of MIC says why a list fails';

/** A sentence without the full stop. */
export const noRoomForLabels =
  'MIC has no room for the labels of this pod, so that no podSelector selects it: the pods of its namespace have too many different labels, or those of all namespaces together';

export const noRoomRemedy =
  'give the pods fewer labels or delete pods; the labels are read again with the next change of the pod';

/** A sentence without the full stop. */
export const manyRights =
  'Pods of this namespace need more rights than MIC asks about for one namespace (10,000 pairs of ServiceAccount and identity): for the others nothing is attached or detached until pods go';

export function missingRightOf({ pod, identity = '', access, detail }: Skip): MissingRight {
  const { subject = { namespace: pod.namespace, name: pod.serviceAccount }, targets = [] } = access ?? {};
  return { identity, subject, targets, problem: detail };
}

function selects({ binding = '', identity = '' }: Skip): Finding {
  return ok('binding', `${binding} selects the pod and names AzureIdentity ${identity}`);
}
