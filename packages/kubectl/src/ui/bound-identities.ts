// What bindings give a pod, and how far each of it is.
import { decidePod, recordFinding, type PodView } from '../../../mic/src/commands/plug-in.ts';
import { keyOf } from '../cluster/fields.ts';
import type { StatusInput, RefusalFor } from '../status/object-rows.ts';
import type { State } from './picture.ts';

/** A binding that concerns the pod, and the AzureIdentity that it names. */
export interface BoundIdentity {
  /** Both by `namespace/name`. The identity need not exist. */
  readonly binding: string;
  readonly identity: string;
  readonly state: State;
  /** Only a host with this identity can give the pod its tokens. */
  readonly needsHost: boolean;
}

interface BindingInput extends StatusInput {
  /** Of the pod as a whole. */
  readonly podState: State;
  readonly refusalFor: RefusalFor;
}

export function boundIdentitiesOf(pod: PodView, input: BindingInput): readonly BoundIdentity[] {
  const { cluster, podState } = input;
  const { index, records } = cluster;
  const { assignments, skips } = decidePod(index, keyOf(pod), records);
  // For example of a pod that is on no node yet, or of one without the right.
  const unassigned = podState === 'refused' ? 'refused' : 'waiting';
  const recordOf = new Map(
    assignments.map((one) => [
      pairOf(one.binding, keyOf(one.identity.metadata)),
      `${one.objectNamespace}/${one.objectName}`,
    ]),
  );
  const isServed = input.agentFault(pod.nodeName) === undefined;
  const matches = index.matchSetOf(pod).matches.map((match): BoundIdentity => {
    const [binding, identity] = [keyOf(match.binding.metadata), match.identityKey];
    const record = recordOf.get(pairOf(match.binding, identity));
    const state = record === undefined ? unassigned : assignedState({ identity, record }, input);
    return {
      binding,
      identity,
      needsHost: match.resourceId !== undefined,
      state: isServed ? state : 'refused',
    };
  });
  const known = new Set(matches.map(({ binding }) => binding));
  const others = skips.flatMap(({ binding, identity = '', unbound }): BoundIdentity[] => {
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

function assignedState({ identity, record }: Assigned, { cluster, hasMic, refusalFor }: BindingInput): State {
  const isWaiting =
    hasMic && cluster.hasRecords && recordFinding(record, cluster.records.at(record)).verdict === 'waiting';
  if (refusalFor(identity, !isWaiting) !== undefined) return 'refused';
  return isWaiting ? 'waiting' : 'ready';
}

const pairOf = ({ metadata }: { readonly metadata: Parameters<typeof keyOf>[0] }, identity: string): string =>
  `${keyOf(metadata)} ${identity}`;
