import type { ObjectKey, ResourceKind } from './kinds.ts';

export interface ObjectMetadata extends ObjectKey {
  readonly uid: string;
  readonly resourceVersion: string;
}

/** Undefined if the value is not an object with a name. */
export function metadataOf(object: unknown): ObjectMetadata | undefined {
  const metadata = field(object, 'metadata');
  const name = textField(metadata, 'name');
  const namespace = textField(metadata, 'namespace');
  const uid = textField(metadata, 'uid');
  const resourceVersion = textField(metadata, 'resourceVersion');
  return name === '' ? undefined : { name, uid, resourceVersion, ...(namespace && { namespace }) };
}

/** `namespace/name`, or `name` for cluster-scoped objects. */
export function keyText({ namespace, name }: ObjectKey): string {
  return namespace ? `${namespace}/${name}` : name;
}

/** The path of all objects of a kind, in one namespace or in all. */
export function collectionPath(kind: ResourceKind, namespace?: string): string {
  const root = kind.group === '' ? `/api/${kind.version}` : `/apis/${kind.group}/${kind.version}`;
  const scope = kind.namespaced && namespace ? `/namespaces/${encodeURIComponent(namespace)}` : '';
  return `${root}${scope}/${kind.plural}`;
}

/** Throws TypeError if the namespace of a namespaced object is missing. */
export function objectPath(kind: ResourceKind, key: ObjectKey): string {
  if (kind.namespaced && !key.namespace) throw new TypeError(`a ${kind.kind} needs a namespace`);
  return `${collectionPath(kind, key.namespace)}/${encodeURIComponent(key.name)}`;
}

/** `v1`, or `group/v1`. */
export function apiVersionOf({ group, version }: ResourceKind): string {
  return group === '' ? version : `${group}/${version}`;
}

/** A field of a value that may be an object. */
export function field(object: unknown, name: string): unknown {
  return typeof object === 'object' && object !== null
    ? (object as Record<string, unknown>)[name]
    : undefined;
}

/** The same for a string; empty if there is none. */
export function textField(object: unknown, name: string): string {
  const value = field(object, name);
  return typeof value === 'string' ? value : '';
}
