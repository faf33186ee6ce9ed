import { omit, type KubeObject } from './object.ts';
import { fieldsOf, headOf, type ResourceType } from './resources.ts';
import type { Stored } from './stored.ts';

/** An object as the storage keeps it. The only place where an object becomes text. */
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

/** A copy of the object, to change. */
export const toObject = (type: ResourceType, stored: Stored): KubeObject =>
  // What was stored was read by readObject once, and never changes.
  JSON.parse(wholeText(type, stored)) as KubeObject;

/** The same object, as of a later version: what a deletion reports. */
export const atVersion = (type: ResourceType, stored: Stored, version: number): Stored =>
  toStored(type, toObject(type, stored), version);
