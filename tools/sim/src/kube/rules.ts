import type { KubeObject, Metadata } from './object.ts';
import { metadataCauses } from './metadata.ts';
import { at, textAt } from './object.ts';
import { roleRefCauses } from './rbac.ts';
import { toObject } from './record.ts';
import { apiVersionOf, idOf, namespaceType, type ResourceType } from './resources.ts';
import { badRequest, conflict, forbidden, invalid, modified, notFound, type Cause } from './status.ts';
import type { Storage } from './storage.ts';
import type { Stored } from './stored.ts';
import { causesOf } from './strategies.ts';

/** The place of an object, and its subresource. */
export interface Target {
  readonly type: ResourceType;
  /** '' for cluster-scoped objects. */
  readonly namespace: string;
  readonly name: string;
  readonly subresource?: 'status';
}

/** The body must agree with the URL. */
export function checkEnvelope({ type, namespace, name }: Target, given: KubeObject): void {
  checkKind(type, given);
  const { metadata } = given;
  if (metadata.namespace && metadata.namespace !== namespace) {
    throw badRequest('the namespace of the provided object does not match the namespace sent on the request');
  }
  if (name !== '' && metadata.name !== name) {
    throw badRequest(
      `the name of the object (${metadata.name ?? ''}) does not match the name on the URL (${name})`,
    );
  }
}

/** Built-in kinds may omit kind and apiVersion; custom ones must have them. */
function checkKind(type: ResourceType, given: KubeObject): void {
  const implied = type.builtIn
    ? { kind: type.kind, apiVersion: apiVersionOf(type) }
    : { kind: '', apiVersion: '' };
  const { kind, apiVersion } = { ...implied, ...given };
  if (kind === type.kind && apiVersion === apiVersionOf(type)) return;
  if (type.builtIn || kind === '' || apiVersion === '') {
    throw badRequest(
      `${kind} in version "${apiVersion}" cannot be handled as a ${type.kind}: kind and apiVersion must be its own`,
    );
  }
  const [field, wrong, right] =
    kind === type.kind ? ['apiVersion', apiVersion, apiVersionOf(type)] : ['kind', kind, type.kind];
  const message = `Invalid value: ${JSON.stringify(wrong)}: must be ${right}`;
  throw invalid({ ...type, kind }, given.metadata.name ?? '', [
    { reason: 'FieldValueInvalid', field, message },
  ]);
}

/** A patch may contain the UID, but may not change it. */
export function checkUid({ type, name }: Target, given: KubeObject, old: Stored): void {
  const { uid } = given.metadata;
  if (uid === undefined || uid === old.uid) return;
  const message = `Invalid value: ${JSON.stringify(uid)}: field is immutable`;
  throw invalid(type, name, [{ reason: 'FieldValueInvalid', field: 'metadata.uid', message }]);
}

/** New objects need a namespace that is not being deleted. */
export function checkHome(storage: Storage, { type, namespace, name }: Target): void {
  if (!type.namespaced) return;
  const home = storage.collection(idOf(namespaceType)).get('', namespace);
  if (!home) throw notFound(namespaceType, namespace);
  if (home.terminating) {
    throw forbidden(
      type,
      name,
      `unable to create new content in namespace ${namespace} because it is being terminated`,
    );
  }
}

export function checkPreconditions(
  { type, name }: Target,
  before: Stored,
  asked: { readonly uid?: string | undefined; readonly resourceVersion?: string | undefined },
): void {
  const { uid, resourceVersion } = asked;
  if (uid && uid !== before.uid) {
    throw conflict(
      type,
      name,
      `Precondition failed: UID in precondition: ${uid}, UID in object meta: ${before.uid}`,
    );
  }
  if (resourceVersion && resourceVersion !== String(before.version)) throw conflict(type, name, modified);
}

const rbacGroup = 'rbac.authorization.k8s.io';

function nameRule(type: ResourceType): 'label' | 'subdomain' | 'path' {
  if (type === namespaceType) return 'label';
  return type.group === rbacGroup ? 'path' : 'subdomain';
}

/** All problems of an invalid object, in one error. */
export function checkObject(type: ResourceType, object: KubeObject, old?: KubeObject): void {
  const causes = [
    ...metadataCauses(object.metadata, nameRule(type)),
    ...lateFinalizers(object.metadata, old?.metadata),
    ...(old && type.group === rbacGroup ? roleRefCauses(object, old) : []),
    ...causesOf(type, object),
  ];
  if (causes.length > 0) throw invalid(type, object.metadata.name ?? '', causes);
}

function lateFinalizers({ finalizers = [] }: Metadata, old: Metadata | undefined): readonly Cause[] {
  if (!old?.deletionTimestamp || finalizers.every((finalizer) => old.finalizers?.includes(finalizer)))
    return [];
  const message = `Forbidden: no new finalizers can be added if the object is being deleted, found new finalizers ${JSON.stringify(finalizers)}`;
  return [{ reason: 'FieldValueForbidden', field: 'metadata.finalizers', message }];
}

/** Metadata fields that clients cannot change. */
export function keptMetadata(old: Metadata): Metadata {
  const { name, namespace, uid, creationTimestamp, generation, generateName } = old;
  const { deletionTimestamp, deletionGracePeriodSeconds } = old;
  const kept = {
    name,
    generateName,
    namespace,
    uid,
    creationTimestamp,
    generation,
    deletionTimestamp,
    deletionGracePeriodSeconds,
  };
  return Object.fromEntries(Object.entries(kept).filter(([, value]) => value !== undefined));
}

/** Whether this write completes a deletion that waited for finalizers. */
export function isReleased(type: ResourceType, { metadata }: KubeObject): boolean {
  const { deletionTimestamp, deletionGracePeriodSeconds = 0, finalizers = [] } = metadata;
  return (
    type !== namespaceType &&
    deletionTimestamp !== undefined &&
    finalizers.length === 0 &&
    deletionGracePeriodSeconds === 0
  );
}

const defaultGraceSeconds = 30;

/** Only a pod on a node that has not ended gets a grace period. */
export function graceSeconds(type: ResourceType, object: KubeObject, asked: number | undefined): number {
  if (!type.builtIn || type.plural !== 'pods' || textAt(object, 'spec', 'nodeName') === '') return 0;
  if (['Succeeded', 'Failed'].includes(textAt(object, 'status', 'phase'))) return 0;
  const declared = at(object, 'spec', 'terminationGracePeriodSeconds');
  return asked ?? (typeof declared === 'number' ? declared : defaultGraceSeconds);
}

/** Whether the deletion waits for finalizers, contents or a kubelet. */
export const isHeld = (type: ResourceType, stored: Stored): boolean =>
  type === namespaceType || (toObject(type, stored).metadata.finalizers ?? []).length > 0;
