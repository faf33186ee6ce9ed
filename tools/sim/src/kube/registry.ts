import { isDeepStrictEqual } from 'node:util';
import { omit, type KubeObject, type Metadata } from './object.ts';
import { readObject } from './metadata.ts';
import { idOf, namespaceType, type ResourceType } from './resources.ts';
import { atVersion, toObject, toStored } from './record.ts';
import * as rules from './rules.ts';
import { alreadyExists, invalid, notFound, StatusError } from './status.ts';
import type { Storage } from './storage.ts';
import type { Stored } from './stored.ts';
import { admit, conform, initial, isNewGeneration, nextState } from './strategies.ts';

type Target = rules.Target;

export interface WriteOptions {
  readonly dryRun?: boolean;
  /** Unknown fields are refused instead of dropped. */
  readonly strict?: boolean;
}

export interface RemoveOptions {
  readonly dryRun?: boolean;
  readonly uid?: string | undefined;
  readonly resourceVersion?: string | undefined;
  readonly gracePeriodSeconds?: number | undefined;
}

/** Time, random numbers, and how pods end. */
export interface Ambient {
  readonly now: () => number;
  readonly newUid: () => string;
  readonly random: () => number;
  /** Whether deleted pods stay, terminating, until a deletion with a grace period of 0, as without a kubelet. */
  readonly keepsTerminatingPods: boolean;
}

/** Reads and writes of single objects, with all rules for writes. */
export interface Registry {
  get(target: Target): Stored;
  /** Replaces the object of the same name. */
  create(target: Target, given: KubeObject, options?: WriteOptions): Stored;
  replace(target: Target, given: KubeObject, options?: WriteOptions): { stored: Stored; created: boolean };
  modify(target: Target, change: (object: KubeObject) => unknown, options?: WriteOptions): Stored;
  /** `complete` unless the deletion waits for finalizers, contents or a kubelet. */
  remove(target: Target, options?: RemoveOptions): { stored: Stored; complete: boolean };
  /** Removes the object without any checks. */
  erase(type: ResourceType, stored: Stored): void;
  /** Stores an object unchanged, including its status, to prepare a cluster. */
  seed(type: ResourceType, object: KubeObject): Stored;
}

interface Context {
  readonly storage: Storage;
  readonly ambient: Ambient;
}

const find = ({ storage }: Context, { type, namespace, name }: Target): Stored | undefined =>
  storage.collection(idOf(type)).get(namespace, name);

function get(context: Context, target: Target): Stored {
  const stored = find(context, target);
  if (!stored) throw notFound(target.type, target.name);
  return stored;
}

function commit(
  { storage }: Context,
  type: ResourceType,
  write: { object: KubeObject; before?: Stored },
): Stored {
  const version = storage.nextVersion();
  const after = toStored(type, write.object, version);
  const { before } = write;
  storage.commit(
    idOf(type),
    before ? { type: 'MODIFIED', version, after, before } : { type: 'ADDED', version, after },
  );
  return after;
}

function erase({ storage }: Context, type: ResourceType, before: Stored): void {
  const version = storage.nextVersion();
  storage.commit(idOf(type), { type: 'DELETED', version, after: atVersion(type, before, version), before });
}

const timestamp = ({ ambient }: Context, afterSeconds = 0): string =>
  new Date(ambient.now() + afterSeconds * 1000).toISOString().replace(/\.\d+Z$/, 'Z');

const suffixLetters = 'bcdfghjklmnpqrstvwxz2456789';

function nameOf({ ambient }: Context, { name, generateName = '' }: Metadata): string {
  if (name !== undefined || generateName === '') return name ?? '';
  const letter = () => suffixLetters[Math.floor(ambient.random() * suffixLetters.length)] ?? 'x';
  return generateName + Array.from({ length: 5 }, letter).join('');
}

/** The object with the metadata that the server sets at its creation. */
function newborn(context: Context, { type, namespace }: Target, given: KubeObject): KubeObject {
  const metadata = omit(given.metadata, 'deletionTimestamp', 'deletionGracePeriodSeconds');
  const name = nameOf(context, metadata);
  if (name === '') {
    const message = 'Required value: name or generateName is required';
    throw invalid(type, '', [{ reason: 'FieldValueRequired', field: 'metadata.name', message }]);
  }
  const fresh = { uid: context.ambient.newUid(), resourceVersion: '', creationTimestamp: timestamp(context) };
  return {
    ...given,
    metadata: {
      ...metadata,
      name,
      ...fresh,
      ...(namespace === '' ? {} : { namespace }),
      ...(type.hasGeneration ? { generation: 1 } : {}),
    },
  };
}

function create(
  context: Context,
  target: Target,
  request: { given: KubeObject; options: WriteOptions },
): Stored {
  const { type } = target;
  const { given, options } = request;
  rules.checkEnvelope(target, given);
  // The real server returns 500, too.
  if (given.metadata.resourceVersion) {
    throw new StatusError('InternalError', 'resourceVersion should not be set on objects to be created');
  }
  const admitted = admit(type, newborn(context, target, given));
  const object = conform(type, initial(type, admitted), options.strict ?? false);
  const named = { ...target, name: object.metadata.name ?? '' };
  rules.checkHome(context.storage, named);
  rules.checkObject(type, object);
  if (find(context, named)) throw alreadyExists(type, named.name);
  return options.dryRun ? toStored(type, object, context.storage.version) : commit(context, type, { object });
}

function update(
  context: Context,
  target: Target,
  request: { given: KubeObject; options: WriteOptions },
): Stored {
  const { type, subresource } = target;
  const { given, options } = request;
  const before = get(context, target);
  rules.checkPreconditions(target, before, given.metadata);
  const old = toObject(type, before);
  const settled = { ...given, metadata: { ...given.metadata, ...rules.keptMetadata(old.metadata) } };
  const object = conform(
    type,
    nextState({ type, given: settled, old, subresource }),
    options.strict ?? false,
  );
  if (type.hasGeneration && isNewGeneration(type, old, object)) {
    object.metadata.generation = (old.metadata.generation ?? 0) + 1;
  }
  rules.checkObject(type, object, old);
  const same = toStored(type, object, before.version);
  if (rules.isReleased(type, object)) {
    if (!options.dryRun) erase(context, type, before);
    return same;
  }
  // A write without changes creates no version and no event.
  if (same.text === before.text || isDeepStrictEqual(toObject(type, same), old)) return before;
  return options.dryRun ? same : commit(context, type, { object, before });
}

function terminate(
  context: Context,
  type: ResourceType,
  of: { before: Stored; graceSeconds: number },
): Stored {
  const object = toObject(type, of.before);
  // As in the API server: the end of the grace period.
  object.metadata.deletionTimestamp = timestamp(context, of.graceSeconds);
  object.metadata.deletionGracePeriodSeconds = of.graceSeconds;
  if (type.hasGeneration) object.metadata.generation = (object.metadata.generation ?? 0) + 1;
  if (type === namespaceType) object['status'] = { phase: 'Terminating' };
  return commit(context, type, { object, before: of.before });
}

function remove(
  context: Context,
  target: Target,
  options: RemoveOptions,
): { stored: Stored; complete: boolean } {
  const { type } = target;
  const before = get(context, target);
  rules.checkPreconditions(target, before, options);
  const isHeld = rules.isHeld(type, before);
  const graceSeconds = rules.graceSeconds(type, toObject(type, before), options.gracePeriodSeconds);
  const lingers = isHeld || (graceSeconds > 0 && context.ambient.keepsTerminatingPods);
  if (options.dryRun) return { stored: before, complete: !lingers };
  const isNews = !before.terminating && (lingers || graceSeconds > 0);
  const given = context.ambient.keepsTerminatingPods ? graceSeconds : 0;
  const stored = isNews ? terminate(context, type, { before, graceSeconds: given }) : before;
  if (!lingers) erase(context, type, stored);
  return { stored, complete: !lingers };
}

function replace(context: Context, target: Target, request: { given: KubeObject; options: WriteOptions }) {
  const { type } = target;
  rules.checkEnvelope(target, request.given);
  if (type.createOnUpdate && !find(context, target))
    return { stored: create(context, target, request), created: true };
  get(context, target);
  if (!request.given.metadata.resourceVersion && !type.unconditionalUpdate) {
    const message = 'Invalid value: 0x0: must be specified for an update';
    throw invalid(type, target.name, [
      { reason: 'FieldValueInvalid', field: 'metadata.resourceVersion', message },
    ]);
  }
  return { stored: update(context, target, request), created: false };
}

export function createRegistry(storage: Storage, ambient: Ambient): Registry {
  const context = { storage, ambient };
  return {
    get: (target) => get(context, target),
    create: (target, given, options = {}) => create(context, target, { given, options }),
    replace: (target, given, options = {}) => replace(context, target, { given, options }),
    modify: (target, change, options = {}) => {
      const before = get(context, target);
      const given = readObject(change(toObject(target.type, before)));
      rules.checkEnvelope(target, given);
      rules.checkUid(target, given, before);
      return update(context, target, { given, options });
    },
    remove: (target, options = {}) => remove(context, target, options),
    erase: (type, stored) => erase(context, type, stored),
    seed: (type, given) => {
      const { namespace = '' } = given.metadata;
      const object = admit(type, newborn(context, { type, namespace, name: '' }, given));
      const uid = given.metadata.uid ?? object.metadata.uid ?? '';
      return commit(context, type, { object: { ...object, metadata: { ...object.metadata, uid } } });
    },
  };
}
