// What bindings give a pod, and how far each of it is.
import { decidePod, recordFinding, type PodView } from '../../../mic/src/commands/plug-in.ts';
import type { Judging, RefusalFor } from '../status/object-rows.ts';
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

interface GrantsJudging extends Judging {
  /** Of the pod as a whole. */
  readonly podState: State;
  readonly refusalFor: RefusalFor;
}

export function grantsOf(pod: PodView, judging: GrantsJudging): readonly Grant[] {
  const { world, podState } = judging;
  const { index, records } = world;
  const { assignments, skips } = decidePod(index, keyOf(pod), records);
  // For example of a pod that is on no node yet, or of one without the right.
  const unassigned = podState === 'refused' ? 'refused' : 'waiting';
  const recordOf = new Map(
    assignments.map((one) => [
      pairOf(one.binding, keyOf(one.identity.metadata)),
      `${one.objectNamespace}/${one.objectName}`,
    ]),
  );
  const isServed = judging.agentFault(pod.nodeName) === undefined;
  const matches = index.matchSetOf(pod).matches.map((match): Grant => {
    const [binding, identity] = [keyOf(match.binding.metadata), match.identityKey];
    const record = recordOf.get(pairOf(match.binding, identity));
    const state = record === undefined ? unassigned : assignedState({ identity, record }, judging);
    return {
      binding,
      identity,
      needsHost: match.resourceId !== undefined,
      state: isServed ? state : 'refused',
    };
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

interface Assigned {
  readonly identity: string;
  /** `namespace/name` */
  readonly record: string;
}

function assignedState({ identity, record }: Assigned, { world, hasMic, refusalFor }: GrantsJudging): State {
  const isWaiting =
    hasMic && world.hasRecords && recordFinding(record, world.records.at(record)).verdict === 'waiting';
  if (refusalFor(identity, !isWaiting) !== undefined) return 'refused';
  return isWaiting ? 'waiting' : 'ready';
}

type Metadata = Parameters<typeof keyOf>[0];

const pairOf = ({ metadata }: { readonly metadata: Metadata }, identity: string): string =>
  `${keyOf(metadata)} ${identity}`;

function keyOf({ namespace = '', name }: { readonly namespace?: string; readonly name: string }): string {
  return `${namespace}/${name}`;
}
