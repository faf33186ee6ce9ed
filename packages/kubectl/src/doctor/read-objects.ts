// Objects of the cluster, trimmed to what the checks look at.
import { parseProviderId } from '@pod-identity/crd-types';
import { instantOf, memberOf, stringAt } from '../../../mic/src/commands/plug-in.ts';
import { arrayAt } from '../cluster/workload.ts';
import type { Definition, EventFacts, IdentityFacts, LeaseFacts, NodeFacts, PodFacts } from './world.ts';

const nameOf = (object: unknown) => {
  const metadata = memberOf(object, 'metadata');
  return { namespace: stringAt(metadata, 'namespace'), name: stringAt(metadata, 'name') };
};

function textsAt(value: unknown, key: string): Readonly<Record<string, string>> {
  const member = memberOf(value, key);
  const entries = typeof member === 'object' && member !== null ? Object.entries(member) : [];
  return Object.fromEntries(
    entries.filter((entry): entry is [string, string] => typeof entry[1] === 'string'),
  );
}

export function readDefinition(object: unknown): Definition {
  const spec = memberOf(object, 'spec');
  const served = arrayAt(spec, 'versions').find(
    (version) => stringAt(version, 'name') === 'v1' && memberOf(version, 'served') === true,
  );
  return {
    name: nameOf(object).name,
    keepsUnknownFields: memberOf(spec, 'preserveUnknownFields') === true,
    schema: served && (memberOf(memberOf(served, 'schema'), 'openAPIV3Schema') ?? {}),
  };
}

export function readNode(object: unknown): NodeFacts {
  const spec = memberOf(object, 'spec');
  const taints = arrayAt(spec, 'taints');
  const host = parseProviderId(stringAt(spec, 'providerID'));
  return {
    name: nameOf(object).name,
    ...(host.ok && { host: host.value }),
    labels: textsAt(memberOf(object, 'metadata'), 'labels'),
    taints: taints.map((taint) => ({ key: stringAt(taint, 'key'), effect: stringAt(taint, 'effect') })),
  };
}

export function readPod(object: unknown): PodFacts {
  const [metadata, spec, status] = ['metadata', 'spec', 'status'].map((part) => memberOf(object, part));
  const owner = arrayAt(metadata, 'ownerReferences').find((one) => memberOf(one, 'controller') === true);
  const ready = arrayAt(status, 'conditions').find((one) => stringAt(one, 'type') === 'Ready');
  return {
    ...nameOf(object),
    labels: textsAt(metadata, 'labels'),
    nodeName: stringAt(spec, 'nodeName'),
    isFinished: ['Succeeded', 'Failed'].includes(stringAt(status, 'phase')),
    isReady: stringAt(ready, 'status') === 'True',
    owner: owner === undefined ? '' : `${stringAt(owner, 'kind')}/${stringAt(owner, 'name')}`,
    notReady: stringAt(ready, 'message') || stringAt(ready, 'reason'),
  };
}

export function readLease(object: unknown): LeaseFacts {
  return { ...nameOf(object), renewedAt: instantOf(stringAt(memberOf(object, 'spec'), 'renewTime')) };
}

export function readIdentity(object: unknown): IdentityFacts {
  const spec = memberOf(object, 'spec');
  const type = memberOf(spec, 'type');
  const ready = arrayAt(memberOf(object, 'status'), 'conditions').find(
    (one) => stringAt(one, 'type') === 'Ready' && stringAt(one, 'status') === 'False',
  );
  return {
    ...nameOf(object),
    type: typeof type === 'number' ? type : 0,
    resourceId: stringAt(spec, 'resourceID'),
    clientId: stringAt(spec, 'clientID'),
    tenantId: stringAt(spec, 'tenantID'),
    refusal: stringAt(ready, 'reason'),
  };
}

export function readEvent(object: unknown): EventFacts {
  const involved = memberOf(object, 'involvedObject');
  const last = ['lastTimestamp', 'eventTime', 'firstTimestamp']
    .map((key) => stringAt(object, key))
    .find(Boolean);
  return {
    reason: stringAt(object, 'reason'),
    kind: stringAt(involved, 'kind'),
    namespace: stringAt(involved, 'namespace'),
    name: stringAt(involved, 'name'),
    lastAt: instantOf(last ?? ''),
  };
}
