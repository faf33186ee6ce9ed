// Decides which identities a pod gets, as values.
import { problemTexts, type Mismatch } from '@pod-identity/crd-types';
import { unboundBy } from '@pod-identity/policy';
import type { ClusterIndex } from '../snapshot/index/cluster-index.ts';
import { keyOf } from '../snapshot/keys.ts';
import type { MatchedIdentity } from '../snapshot/index/match-set.ts';
import type { Barred } from '../snapshot/index/rights.ts';
import type { Undecided } from './diff.ts';
import type { PodKey, PodView } from '../snapshot/views.ts';
import { objectNames, type ObjectName } from './object-name.ts';
import type { Known } from './records.ts';
import type { Assignment, Skip, SkipReason } from './types.ts';

/**
 * Which identities a pod gets, which are not changed since it is not known whether it may use them (`undecided`), the keys of those that it
 * may not use (`denied`), and why it gets nothing, or not more (`skips`). A terminating pod keeps them, since it may need tokens to shut down; a finished or deleted pod
 * loses them.
 */
export function decidePod(index: ClusterIndex, key: PodKey, records: Known['records']) {
  const { pod, usable, barred, skips } = matchWithRights(index, key);
  const denied = barred.length === 0 ? noKeys : new Set(keysOf(barred, 'denied'));
  const unknown = barred.flatMap(({ match, verdict }) => (verdict === 'unknown' ? match : []));
  if (!pod || usable.length + unknown.length === 0)
    return { assignments: [], undecided: noneUndecided, denied, skips };
  const names = objectNames({ index, records }, pod, [...usable, ...unknown]);
  const assignments = usable.flatMap((match, position) => assign(pod, match, names[position]));
  const undecided = {
    identities: new Set(unknown.map(({ identityKey }) => identityKey)),
    names: new Set(names.slice(usable.length).map(keyOf)),
  };
  return { assignments, undecided, denied, skips };
}

const noKeys: ReadonlySet<string> = new Set();
const noneUndecided: Undecided = { identities: noKeys, names: noKeys };

function keysOf(barred: readonly Barred[], which: Barred['verdict']): string[] {
  return barred.flatMap(({ match, verdict }) => (verdict === which ? match.identityKey : []));
}

/** Only the reasons why a pod gets nothing, or not more. */
export function skipsOf(index: ClusterIndex, key: PodKey): readonly Skip[] {
  return matchWithRights(index, key).skips;
}

interface MatchedPod {
  readonly pod: PodView | undefined;
  readonly usable: readonly MatchedIdentity[];
  readonly barred: readonly Barred[];
  readonly skips: readonly Skip[];
}

function matchWithRights(index: ClusterIndex, key: PodKey): MatchedPod {
  const pod = index.pod(key);
  const nothing = { pod, usable: [], barred: [] };
  if (!pod) return { ...nothing, skips: [] };
  if (pod.finished) return { ...nothing, skips: [{ pod, reason: 'finished' }] };
  if (index.unlisted.has(pod.namespace)) return { ...nothing, skips: [{ pod, reason: 'not-listed' }] };
  const { matches, mismatches } = index.matchSetOf(pod);
  const unmatched = mismatches.filter(isReported).map((mismatch) => skipFor(index, pod, mismatch));
  if (pod.isUnlabelled === true && matches.length + unmatched.length === 0) return { ...nothing, skips: [] };
  const reason = whyNotPlaced(index, pod);
  if (reason) return { ...nothing, skips: [{ pod, reason }, ...unmatched] };
  const { usable, barred, warned } = index.rightsOf(key);
  const skips = [
    ...unmatched,
    ...barred.map((one) => barredSkip(pod, one, false)),
    ...warned.map((one) => barredSkip(pod, one, true)),
  ];
  const { host, problem } = index.nodeHost(pod.nodeName);
  if (host) return { pod, usable, barred, skips };
  const hostless = usable.filter(({ resourceId }) => resourceId !== undefined);
  return {
    pod,
    usable: usable.filter(({ resourceId }) => resourceId === undefined),
    barred,
    skips: [...skips, ...hostless.map((match) => withoutHost(pod, match, problem))],
  };
}

function barredSkip(pod: PodView, barred: Barred, isWarned: boolean): Skip {
  const { match, verdict, problem, isOver, ...access } = barred;
  const concerned = { pod, binding: keyOf(match.binding.metadata), identity: match.identityKey };
  if (verdict === 'unknown')
    return { ...concerned, reason: 'access-unknown', ...(isOver && { leftOut: true }) };
  const detail = problem !== undefined && { detail: problem };
  return { ...concerned, reason: isWarned ? 'access-warned' : 'access-denied', access, ...detail };
}

/** A missing label is not reported: bindings of the namespace can select other pods without one. */
function isReported({ reason }: Mismatch): boolean {
  return reason !== 'no-label';
}

function whyNotPlaced(index: ClusterIndex, pod: PodView): SkipReason | undefined {
  if (pod.nodeName === '') return 'not-scheduled';
  return index.nodeHost(pod.nodeName).exists ? undefined : 'node-missing';
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
  const { reason, binding, identity } = mismatch;
  const unbound = unboundBy(mismatch, {
    label: pod.bindingLabel,
    faultOf: (key) => faultOf(index, key),
    labelsFault: index.labelsFault(pod.namespace),
  });
  return {
    pod,
    reason: unbound?.why ?? reason,
    ...(binding !== undefined && { binding }),
    ...(identity !== undefined && { identity }),
    ...(unbound !== undefined && { unbound }),
  };
}

function faultOf(index: ClusterIndex, key: string): string | undefined {
  const view = index.objects.identity(key);
  return view?.kind === 'invalid' ? problemTexts(view.problems).join('; ') : undefined;
}
