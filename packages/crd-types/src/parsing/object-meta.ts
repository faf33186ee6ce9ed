import type { Condition, ObjectMeta, OwnerReference } from './meta.ts';
import { defined, type Section } from './section.ts';

/** The metadata of an object; the name may be missing in a copy inside another object. */
export function readMetadata(object: Section): ObjectMeta {
  const metadata = object.section('metadata');
  const owners = metadata.has('ownerReferences')
    ? metadata.sections('ownerReferences').map(readOwner)
    : undefined;
  return defined({
    name: metadata.string('name') ?? '',
    namespace: metadata.string('namespace'),
    uid: metadata.string('uid'),
    resourceVersion: metadata.string('resourceVersion'),
    generation: metadata.integer('generation'),
    creationTimestamp: metadata.time('creationTimestamp'),
    deletionTimestamp: metadata.time('deletionTimestamp'),
    labels: metadata.stringMap('labels'),
    annotations: metadata.stringMap('annotations'),
    ownerReferences: owners,
    finalizers: metadata.strings('finalizers'),
  });
}

/** `status.conditions` of a known shape, if any. */
export function readConditions(object: Section): { conditions?: readonly Condition[] } | undefined {
  const status = object.section('status');
  if (!status.has('conditions')) return undefined;
  return { conditions: status.sections('conditions').flatMap(readCondition) };
}

function readOwner(owner: Section): OwnerReference {
  return defined({
    apiVersion: owner.string('apiVersion') ?? '',
    kind: owner.string('kind') ?? '',
    name: owner.string('name') ?? '',
    uid: owner.string('uid') ?? '',
    controller: owner.boolean('controller'),
    blockOwnerDeletion: owner.boolean('blockOwnerDeletion'),
  });
}

/** Ignores conditions of an unknown shape. */
function readCondition(condition: Section): Condition[] {
  const [type, status] = [condition.string('type'), condition.string('status')];
  if (type === undefined || (status !== 'True' && status !== 'False' && status !== 'Unknown')) return [];
  return [
    defined({
      type,
      status,
      reason: condition.string('reason') ?? '',
      message: condition.string('message') ?? '',
      lastTransitionTime: condition.timeText('lastTransitionTime') ?? '',
      observedGeneration: condition.integer('observedGeneration'),
    }),
  ];
}
