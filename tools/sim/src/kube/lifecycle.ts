import type { Registry } from './registry.ts';
import {
  crdType,
  idOf,
  namespaceType,
  typesOfDefinition,
  type ResourceType,
  type ResourceTypes,
} from './resources.ts';
import { toObject } from './record.ts';
import type { Storage } from './storage.ts';
import type { Change, Stored } from './stored.ts';

interface Place {
  readonly id: string;
  readonly namespace: string;
  readonly name: string;
}

interface World {
  readonly storage: Storage;
  readonly registry: Registry;
  readonly types: ResourceTypes;
}

/**
 * The work of a cluster's controllers, done at once: definitions are established, dependents are deleted with their owners, and namespaces
 * are emptied and deleted.
 */
export function runLifecycle(world: World): void {
  const dependents = createDependents();
  world.storage.onChange((id, change) => {
    dependents.note(id, change);
    if (id === idOf(crdType)) followDefinition(world, change);
    if (id === idOf(namespaceType)) emptyNamespace(world, change);
    if (change.type === 'DELETED') {
      collectGarbage(world, dependents.of(change.after.uid), change.after);
      finishNamespace(world, change.after.namespace);
    }
  });
}

/** Dependents by owner. */
function createDependents() {
  const byOwner = new Map<string, Map<string, Place>>();
  return {
    of: (uid: string): readonly Place[] => [...(byOwner.get(uid)?.values() ?? [])],
    note: (id: string, { type, before, after }: Change) => {
      const { namespace, name } = after;
      const key = `${id}/${namespace}/${name}`;
      for (const owner of before?.owners ?? []) {
        byOwner.get(owner)?.delete(key);
        if (byOwner.get(owner)?.size === 0) byOwner.delete(owner);
      }
      if (type === 'DELETED') return;
      for (const owner of after.owners) {
        byOwner.set(
          owner,
          (byOwner.get(owner) ?? new Map<string, Place>()).set(key, { id, namespace, name }),
        );
      }
    },
  };
}

function followDefinition({ types, storage, registry }: World, { type, after, before }: Change): void {
  const definition = toObject(crdType, after);
  if (type !== 'DELETED') {
    types.define(typesOfDefinition(definition));
    return;
  }
  for (const defined of typesOfDefinition(toObject(crdType, before ?? after))) {
    for (const stored of storage.collection(idOf(defined)).list()) registry.erase(defined, stored);
    types.undefine(idOf(defined));
  }
}

function collectGarbage(world: World, places: readonly Place[], owner: Stored): void {
  for (const { id, namespace, name } of places) {
    const type = world.types.findId(id);
    const stored = world.storage.collection(id).get(namespace, name);
    // Owners are in the same namespace or cluster-scoped: https://kubernetes.io/docs/concepts/architecture/garbage-collection/
    const isOwned = owner.namespace === '' || owner.namespace === namespace;
    if (type && stored && isOwned && !hasLivingOwner(world, type, stored)) {
      world.registry.remove({ type, namespace, name });
    }
  }
}

function hasLivingOwner({ types, storage }: World, type: ResourceType, stored: Stored): boolean {
  return (toObject(type, stored).metadata.ownerReferences ?? []).some((reference) => {
    const ownerType = types.findKind(reference.apiVersion, reference.kind);
    if (!ownerType) return false;
    const namespace = ownerType.namespaced ? stored.namespace : '';
    return storage.collection(idOf(ownerType)).get(namespace, reference.name)?.uid === reference.uid;
  });
}

/** One type for each resource, for all its versions. */
const namespacedTypes = (types: ResourceTypes): readonly ResourceType[] => [
  ...new Map(
    types
      .all()
      .filter((type) => type.namespaced)
      .map((type) => [idOf(type), type]),
  ).values(),
];

function emptyNamespace(world: World, { type, before, after }: Change): void {
  if (type !== 'MODIFIED' || !after.terminating || before?.terminating) return;
  for (const contained of namespacedTypes(world.types)) {
    for (const { namespace, name } of world.storage.collection(idOf(contained)).list(after.name)) {
      world.registry.remove({ type: contained, namespace, name }, { gracePeriodSeconds: 0 });
    }
  }
  finishNamespace(world, after.name);
}

function finishNamespace({ storage, types, registry }: World, name: string): void {
  const namespace = storage.collection(idOf(namespaceType)).get('', name);
  if (!namespace?.terminating) return;
  const isEmpty = namespacedTypes(types).every((type) => storage.collection(idOf(type)).count(name) === 0);
  if (isEmpty) registry.erase(namespaceType, namespace);
}
