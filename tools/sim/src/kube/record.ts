import { omit, type KubeObject } from './object.ts';
import { fieldsOf, headOf, type ResourceType } from './resources.ts';
import type { Stored } from './stored.ts';

/** The stored form of an object. Only here an object is serialized. */
export function toStored(type: ResourceType, object: KubeObject, version: number): Stored {
  const { metadata, ...fields } = omit(object, 'kind', 'apiVersion');
  const { name = '', namespace = '', uid = '', labels = {}, ownerReferences = [] } = metadata;
  const text = JSON.stringify({ metadata: { ...metadata, resourceVersion: String(version) }, ...fields });
  return {
    namespace,
    name,
    uid,
    version,
    text,
    labels,
    fields: fieldsOf(type, object),
    owners: ownerReferences.map((owner) => owner.uid),
    terminating: metadata.deletionTimestamp !== undefined,
  };
}

/** The JSON text of the whole object. */
export const wholeText = (type: ResourceType, stored: Stored): string => headOf(type) + stored.text.slice(1);

/** A mutable copy of the object. */
export const toObject = (type: ResourceType, stored: Stored): KubeObject =>
  // Stored text was validated by readObject, and never changes.
  JSON.parse(wholeText(type, stored)) as KubeObject;

/** The same object at a later version, for the event of a deletion. */
export const atVersion = (type: ResourceType, stored: Stored, version: number): Stored =>
  toStored(type, toObject(type, stored), version);
