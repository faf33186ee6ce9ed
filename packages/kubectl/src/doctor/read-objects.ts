// Objects of the cluster, trimmed to what the checks decide by.
import { instantOf } from '../../../mic/src/commands/plug-in.ts';
import { conditionOf, fieldAt, listAt, mapAt, nameOf, numberAt, textAt } from '../cluster/fields.ts';
import type { Definition, EventFacts, IdentityFacts, LeaseFacts, PodFacts } from './facts.ts';

export function readDefinition(object: unknown): Definition {
  const served = listAt(object, 'spec.versions').find(
    (version) => textAt(version, 'name') === 'v1' && fieldAt(version, 'served') === true,
  );
  return {
    name: nameOf(object).name,
    keepsUnknownFields: fieldAt(object, 'spec.preserveUnknownFields') === true,
    schema: served && (fieldAt(served, 'schema.openAPIV3Schema') ?? {}),
  };
}

export function readPod(object: unknown): PodFacts {
  const owner = listAt(object, 'metadata.ownerReferences').find((one) => fieldAt(one, 'controller') === true);
  const ready = conditionOf(object, 'Ready');
  return {
    ...nameOf(object),
    labels: mapAt(object, 'metadata.labels'),
    nodeName: textAt(object, 'spec.nodeName'),
    isFinished: ['Succeeded', 'Failed'].includes(textAt(object, 'status.phase')),
    isReady: textAt(ready, 'status') === 'True',
    owner: owner === undefined ? '' : `${textAt(owner, 'kind')}/${textAt(owner, 'name')}`,
    notReady: textAt(ready, 'message') || textAt(ready, 'reason'),
  };
}

export const readLease = (object: unknown): LeaseFacts => ({
  ...nameOf(object),
  renewedAt: instantOf(textAt(object, 'spec.renewTime')),
});

export function readIdentity(object: unknown): IdentityFacts {
  const ready = conditionOf(object, 'Ready');
  return {
    ...nameOf(object),
    type: numberAt(object, 'spec.type'),
    resourceId: textAt(object, 'spec.resourceID'),
    clientId: textAt(object, 'spec.clientID'),
    tenantId: textAt(object, 'spec.tenantID'),
    refusal: textAt(ready, 'status') === 'False' ? textAt(ready, 'reason') : '',
  };
}

export function readEvent(object: unknown): EventFacts {
  const last = ['lastTimestamp', 'eventTime', 'firstTimestamp'].map((key) => textAt(object, key));
  return {
    reason: textAt(object, 'reason'),
    kind: textAt(object, 'involvedObject.kind'),
    namespace: textAt(object, 'involvedObject.namespace'),
    name: textAt(object, 'involvedObject.name'),
    lastAt: instantOf(last.find(Boolean) ?? ''),
  };
}
