// What bindings give a pod, and how far each of it is.
import { decidePod, recordFinding, type PodView } from '../../../mic/src/commands/plug-in.ts';
import type { Judging } from '../status/object-rows.ts';
import type { State } from './picture.ts';

/** A binding that concerns the pod, and the AzureIdentity that it names. */
export interface Grant {
  /** Both by `namespace/name`. The identity need not exist. */
  readonly binding: string;
  readonly identity: string;
  readonly state: State;
  /** Only a host with this identity can give the pod its tokens. */
  readonly needsHost: boolean;
}

export interface Judged extends Judging {
  /** Of the pod as a whole. */
  readonly podState: State;
  /** Whether MIC reports that an identity cannot be used. */
  readonly isRefused: (identity: string) => boolean;
}

export function grantsOf(pod: PodView, { world, hasMic, podState, isRefused }: Judged): readonly Grant[] {
  const { index, records, hasRecords } = world;
  const { assignments, skips } = decidePod(index, keyOf(pod), records);
  // For example of a pod that is on no node yet, or of one without the right.
  const unassigned = podState === 'refused' ? 'refused' : 'waiting';
  const assigned = new Map(
    assignments.map((one) => [pairOf(one.binding, keyOf(one.identity.metadata)), one]),
  );
  const matches = index.matchSetOf(pod).matches.map((match): Grant => {
    const [binding, identity] = [keyOf(match.binding.metadata), match.identityKey];
    const needsHost = match.resourceId !== undefined;
    if (isRefused(identity)) return { binding, identity, needsHost, state: 'refused' };
    const assignment = assigned.get(pairOf(match.binding, identity));
    if (!assignment) return { binding, identity, needsHost, state: unassigned };
    const record = `${assignment.objectNamespace}/${assignment.objectName}`;
    const isWaiting = hasMic && hasRecords && recordFinding(record, records.at(record)).verdict === 'waiting';
    return { binding, identity, needsHost, state: isWaiting ? 'waiting' : 'ready' };
  });
  const known = new Set(matches.map(({ binding }) => binding));
  const others = skips.flatMap(({ binding, identity = '', unbound }): Grant[] => {
    if (binding === undefined || known.has(binding)) return [];
    // The others are spare: another binding gives the pod the same.
    const state = unbound === undefined ? 'unused' : 'refused';
    return [{ binding, identity, state, needsHost: false }];
  });
  return [...matches, ...others];
}

type Metadata = Parameters<typeof keyOf>[0];

const pairOf = ({ metadata }: { readonly metadata: Metadata }, identity: string): string =>
  `${keyOf(metadata)} ${identity}`;

function keyOf({ namespace = '', name }: { readonly namespace?: string; readonly name: string }): string {
  return `${namespace}/${name}`;
}
