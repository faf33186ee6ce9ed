// The deciding room: from what is known to what is to be done, as values. It must not do anything, know the time other than
// as an argument, or look anywhere but into snapshot/.
import { absentOrLeftOut, type Mismatch, type MismatchReason } from '@pod-identity/crd-types';
import type { ClusterIndex } from '../snapshot/index/cluster-index.ts';
import { keyOf, namespaceOf } from '../snapshot/keys.ts';
import type { MatchedIdentity } from '../snapshot/index/matching.ts';
import type { PodKey, PodView } from '../snapshot/views.ts';
import { objectNames, type ObjectName } from './object-name.ts';
import type { Assignment, Skip, SkipReason } from './types.ts';

export interface PodDecision {
  readonly assignments: readonly Assignment[];
  /** Why there is nothing, or not more. */
  readonly skips: readonly Skip[];
}

/**
 * Which identities one pod gets. It keeps them while it is terminating (it may need tokens to shut down in order) and gives
 * them back once it is finished or gone.
 */
export function decidePod(index: ClusterIndex, key: PodKey): PodDecision {
  const { pod, usable, skips } = weigh(index, key);
  if (!pod || usable.length === 0) return { assignments: [], skips };
  const names = objectNames(index, pod, usable);
  return { assignments: usable.flatMap((match, position) => assign(pod, match, names[position])), skips };
}

/** Why a pod gets nothing, or not more, alone. */
export function skipsOf(index: ClusterIndex, key: PodKey): readonly Skip[] {
  return weigh(index, key).skips;
}

interface Weighed {
  readonly pod: PodView | undefined;
  readonly usable: readonly MatchedIdentity[];
  readonly skips: readonly Skip[];
}

function weigh(index: ClusterIndex, key: PodKey): Weighed {
  const pod = index.pod(key);
  if (!pod) return { pod, usable: [], skips: [] };
  if (pod.finished) return { pod, usable: [], skips: [{ pod, reason: 'finished' }] };
  const { matches, mismatches } = index.matchSet(pod.namespace, pod.bindingLabel);
  const unmatched = mismatches.map((mismatch) => skipFor(index, pod, mismatch));
  const reason = nowhere(index, pod);
  if (reason) return { pod, usable: [], skips: [{ pod, reason }, ...unmatched] };
  const { host, problem } = index.place(pod.nodeName);
  if (host) return { pod, usable: matches, skips: unmatched };
  const hostless = matches.filter(({ resourceId }) => resourceId !== undefined);
  return {
    pod,
    usable: matches.filter(({ resourceId }) => resourceId === undefined),
    skips: [...unmatched, ...hostless.map((match) => withoutHost(pod, match, problem))],
  };
}

function nowhere(index: ClusterIndex, pod: PodView): SkipReason | undefined {
  if (pod.nodeName === '') return 'not-scheduled';
  return index.place(pod.nodeName).exists ? undefined : 'node-missing';
}

function assign(pod: PodView, match: MatchedIdentity, name: ObjectName | undefined): Assignment[] {
  if (!name) return [];
  const { identityKey, identity, binding, meaning, resourceId } = match;
  return [
    {
      key: `${keyOf(pod)}|${identityKey}`,
      pod,
      binding,
      identity,
      meaning,
      ...(resourceId !== undefined && { resourceId }),
      objectNamespace: name.namespace,
      objectName: name.name,
    },
  ];
}

function withoutHost(
  pod: PodView,
  { identityKey, binding }: MatchedIdentity,
  problem: string | undefined,
): Skip {
  return {
    pod,
    reason: 'node-without-host',
    binding: keyOf(binding.metadata),
    identity: identityKey,
    ...(problem !== undefined && { detail: problem }),
  };
}

function skipFor(index: ClusterIndex, pod: PodView, mismatch: Mismatch): Skip {
  const { binding, identity } = mismatch;
  const concerned = {
    ...(binding !== undefined && { binding }),
    ...(identity !== undefined && { identity }),
  };
  const reason = skipReasons[mismatch.reason];
  const detail = reason === 'identity-missing' ? faultOf(index, identity) : undefined;
  if (detail !== undefined) return { pod, reason: 'identity-invalid', ...concerned, detail };
  const isLeftOut = reason === 'no-binding' && index.leavesOut('AzureIdentityBinding', pod.namespace);
  return { pod, reason, ...concerned, ...(isLeftOut && { leftOut: true }) };
}

function faultOf(index: ClusterIndex, key = ''): string | undefined {
  const view = index.identity(key);
  if (view?.kind === 'invalid')
    return view.problems.map(({ path, message }) => `${path} ${message}`).join('; ');
  return !view && index.leavesOut('AzureIdentity', namespaceOf(key)) ? absentOrLeftOut : undefined;
}

/** Pods without the label have no view: for one that has, both mean that the label says nothing. */
const skipReasons: Readonly<Record<MismatchReason, SkipReason>> = {
  'no-label': 'empty-label',
  'empty-label': 'empty-label',
  'no-binding': 'no-binding',
  'identity-missing': 'identity-missing',
  'other-namespace': 'other-namespace',
  shadowed: 'shadowed',
  'too-many-bindings': 'too-many-bindings',
  'not-selected': 'not-selected',
};
