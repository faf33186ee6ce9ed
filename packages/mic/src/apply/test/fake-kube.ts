// An API server for one kind of object, in memory, with versions, conflicts and preconditions.
import {
  KubeError,
  type CallOptions,
  type ListQuery,
  type ObjectKey,
  type ResourceClient,
} from '@pod-identity/kit/kube';

import type { AzureAssignedIdentity } from '@pod-identity/crd-types';
import { createTrims } from '../../snapshot/trims.ts';
import type { AssignedIdentityReader } from '../assigned-identity-reader.ts';

export interface Stored {
  readonly metadata: {
    readonly name: string;
    readonly namespace?: string;
    readonly uid?: string;
    readonly resourceVersion?: string;
    readonly labels?: Readonly<Record<string, string>>;
  };
}

type Verb = 'get' | 'list' | 'create' | 'replace' | 'patch' | 'delete';

/** Called for every write: may apply it, refuse it, or end the process before or after it. */
export type Gate = <T>(name: string, apply: () => T) => Promise<T>;

export interface FakeResource<T extends Stored> extends ResourceClient<T> {
  readonly objects: ReadonlyMap<string, T>;
  /** Changes an object as another client, without the gate. */
  put(object: T): void;
  /** The same, of `namespace/name`. */
  drop(key: string): void;
  /** Called after each change. */
  onChange: (key: string, object: T | undefined) => void;
  /** Requests of this verb end only when their signal aborts. */
  hanging: Verb | undefined;
}

/** Reads of MIC. */
export function readerOf(resource: FakeResource<AzureAssignedIdentity>): AssignedIdentityReader {
  const trims = createTrims();
  return {
    async *pages() {
      yield await Promise.resolve([...resource.objects.values()].flatMap((one) => trims.assigned(one) ?? []));
    },
    async get(key) {
      await Promise.resolve();
      const object = resource.objects.get(key);
      return object && (trims.assigned(object) ?? 'unreadable');
    },
  };
}

let versions = 100;

export function createFakeResource<T extends Stored>(kind: string, gate: Gate): FakeResource<T> {
  const objects = new Map<string, T>();
  const keyOf = ({ namespace = '', name }: ObjectKey) => `${namespace}/${name}`;
  const store = (object: T, uid?: string): T => {
    versions += 1;
    const metadata = { ...object.metadata, uid: uid ?? `uid-${versions}`, resourceVersion: `${versions}` };
    const stored = { ...object, metadata };
    objects.set(keyOf(metadata), stored);
    resource.onChange(keyOf(metadata), stored);
    return stored;
  };
  const existing = (key: ObjectKey): T => {
    const object = objects.get(keyOf(key));
    if (!object) throw new KubeError('not-found', `${kind} ${keyOf(key)} not found`, { status: 404 });
    return object;
  };
  const expect = (object: T, { uid, resourceVersion }: { uid?: string; resourceVersion?: string }) => {
    const isSame =
      (uid === undefined || uid === object.metadata.uid) &&
      (resourceVersion === undefined || resourceVersion === object.metadata.resourceVersion);
    if (!isSame) throw new KubeError('conflict', 'the object has been modified', { status: 409 });
  };

  const send = <R>(verb: Verb, { signal }: CallOptions, act: () => R): Promise<R> => {
    if (resource.hanging === verb) return untilAborted(signal);
    return verb === 'get' || verb === 'list' ? Promise.resolve().then(act) : gate(`${verb} ${kind}`, act);
  };

  const resource: FakeResource<T> = {
    objects,
    hanging: undefined,
    onChange: () => undefined,
    put: (object) => void store(object, objects.get(keyOf(object.metadata))?.metadata.uid),
    drop(key) {
      if (objects.delete(key)) resource.onChange(key, undefined);
    },
    get: (key, options = {}) => send('get', options, () => existing(key)),
    list: (query = {}) =>
      send('list', query, () => [...objects.values()].filter((object) => isListed(object, query))),
    create: (object, options = {}) =>
      send('create', options, () => {
        if (objects.has(keyOf(object.metadata)))
          throw new KubeError('already-exists', 'exists', { status: 409 });
        return store(object);
      }),
    replace: (object, options = {}) =>
      send('replace', options, () => {
        const found = existing(object.metadata);
        expect(found, {
          ...(object.metadata.resourceVersion ? { resourceVersion: object.metadata.resourceVersion } : {}),
        });
        return store(object, found.metadata.uid);
      }),
    patch: (key, patch, options = {}) =>
      send('patch', options, () => {
        const { resourceVersion } = options;
        const found = existing(key);
        expect(found, resourceVersion === undefined ? {} : { resourceVersion });
        const change = patch as Partial<T>;
        const metadata = { ...found.metadata, ...change.metadata };
        return store({ ...found, ...change, metadata }, found.metadata.uid);
      }),
    delete: (key, preconditions = {}) =>
      send('delete', preconditions, () => {
        expect(existing(key), preconditions);
        objects.delete(keyOf(key));
        resource.onChange(keyOf(key), undefined);
      }),
  };
  return resource;
}

function isListed({ metadata }: Stored, { namespace, labelSelector }: ListQuery): boolean {
  const isThere = namespace === undefined || metadata.namespace === namespace;
  return isThere && (labelSelector === undefined || metadata.labels?.[labelSelector] !== undefined);
}

function untilAborted(signal: AbortSignal | undefined): Promise<never> {
  return new Promise((_, reject) => {
    const end = () => reject(new KubeError('aborted', 'the caller has left'));
    signal?.addEventListener('abort', end, { once: true });
  });
}
