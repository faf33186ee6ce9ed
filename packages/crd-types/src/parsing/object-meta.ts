import type { Condition, ObjectMeta, OwnerReference } from './meta.ts';
import {
  booleanAt,
  defined,
  integerAt,
  isGiven,
  sectionAt,
  sectionsAt,
  textAt,
  textMapAt,
  textsAt,
  timeAt,
  type Section,
} from './section.ts';
import { dateOf } from './time.ts';

/** The metadata of an object; the name may be missing in a copy inside another object. */
export function readMetadata(object: Section): ObjectMeta {
  const metadata = sectionAt(object, 'metadata');
  const owners = isGiven(metadata, 'ownerReferences')
    ? sectionsAt(metadata, 'ownerReferences').map(readOwner)
    : undefined;
  return defined({
    name: textAt(metadata, 'name') ?? '',
    namespace: textAt(metadata, 'namespace'),
    uid: textAt(metadata, 'uid'),
    resourceVersion: textAt(metadata, 'resourceVersion'),
    generation: integerAt(metadata, 'generation'),
    creationTimestamp: timeAt(metadata, 'creationTimestamp'),
    deletionTimestamp: timeAt(metadata, 'deletionTimestamp'),
    labels: textMapAt(metadata, 'labels'),
    annotations: textMapAt(metadata, 'annotations'),
    ownerReferences: owners,
    finalizers: textsAt(metadata, 'finalizers'),
  });
}

/** `status.conditions` of a known shape, if any. */
export function readConditions(object: Section): { conditions?: readonly Condition[] } | undefined {
  const status = sectionAt(object, 'status');
  if (!isGiven(status, 'conditions')) return undefined;
  return { conditions: sectionsAt(status, 'conditions').flatMap(readCondition) };
}

function readOwner(owner: Section): OwnerReference {
  return defined({
    apiVersion: textAt(owner, 'apiVersion') ?? '',
    kind: textAt(owner, 'kind') ?? '',
    name: textAt(owner, 'name') ?? '',
    uid: textAt(owner, 'uid') ?? '',
    controller: booleanAt(owner, 'controller'),
    blockOwnerDeletion: booleanAt(owner, 'blockOwnerDeletion'),
  });
}

/** Ignores conditions of an unknown shape. */
function readCondition(condition: Section): Condition[] {
  const [type, status] = [textAt(condition, 'type'), textAt(condition, 'status')];
  if (type === undefined || (status !== 'True' && status !== 'False' && status !== 'Unknown')) return [];
  return [
    defined({
      type,
      status,
      reason: textAt(condition, 'reason') ?? '',
      message: textAt(condition, 'message') ?? '',
      lastTransitionTime: transitionOf(condition),
      observedGeneration: integerAt(condition, 'observedGeneration'),
    }),
  ];
}

/** The text that it was; a Date, as @kubernetes/client-node may give it, as text. */
function transitionOf(condition: Section): string {
  const { lastTransitionTime: time } = condition.object;
  return (
    (typeof time === 'object' ? dateOf(time)?.toISOString() : textAt(condition, 'lastTransitionTime')) ?? ''
  );
}
