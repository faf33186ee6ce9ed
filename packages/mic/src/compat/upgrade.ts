// Rewrites objects in the spelling of 2018 to today's, once. Nothing waits for it: MIC's parsers accept any spelling, and the upgrade is for
// kubectl, other tools and the original. Namespaces take turns, and no more is held than the names of one page and each namespace's position.
import { canonicalise, resources, type Kind } from '@pod-identity/crd-types';
import {
  coreKinds,
  createResource,
  KubeError,
  listPages,
  type KubeErrorCode,
  type KubeTransport,
  type LeaderTerm,
  type ObjectKey,
  type ResourceClient,
} from '@pod-identity/kit/kube';
import type { Log } from '@pod-identity/kit/serve';
import type { ConfigMap } from '../apply/ledger.ts';

export interface UpgradeOptions {
  readonly transport: KubeTransport;
  readonly term: LeaderTerm;
  readonly log: Log;
  /** The original's ConfigMap and key: prevents a second upgrade by either MIC. */
  readonly marker: ObjectKey & { readonly namespace: string; readonly key: string; readonly version: string };
  /** Awaited after each object, so that the upgrade leaves time for other requests. */
  readonly pause: () => Promise<void>;
}

interface Stored {
  readonly metadata: { readonly name: string; readonly namespace?: string };
}

interface OldObject {
  readonly kind: Kind;
  readonly key: ObjectKey;
}

/** Of one kind in one namespace. */
interface Turn {
  /** The name of the last object that was tried. Lists in pages are sorted by namespace and name. */
  last: string;
  /** Objects that were tried; one that cost time counts as `firstShare`. */
  tried: number;
  unchanged: number;
}

const kinds: readonly Kind[] = [
  'AzureIdentity',
  'AzureIdentityBinding',
  'AzurePodIdentityException',
  'AzureAssignedIdentity',
];
/** Attempts on conflicts with other writers. */
const attempts = 3;
const pageSize = 500;
/**
 * Objects of a kind and namespace that are tried in the first walk over all objects; twice as many in each later one. So a namespace waits for
 * a few times as many objects of another as it has itself, and 100,000 objects need eleven walks.
 */
const firstShare = 100;
/** A request that failed so may have taken 30 s, as long as hundreds of others. */
const costly: ReadonlySet<KubeErrorCode> = new Set(['transport', 'unavailable', 'throttled']);
/** Log lines about objects of a kind and namespace. */
const linesPerTurn = 10;

/**
 * Returns the number of rewritten objects. Can be interrupted and repeated at any point: the marker is set after every object has been tried and
 * none has failed; otherwise throws the first failure of an object after all have been tried. One that the schema refuses, or that others keep
 * changing, keeps its spelling and does not count as failed.
 */
export async function upgradeStoredObjects(options: UpgradeOptions): Promise<number> {
  const { transport, term, log, marker } = options;
  const configMaps = createResource<ConfigMap>(transport, coreKinds.configMaps);
  const found = await readMarker(configMaps, options);
  if (found?.data?.[marker.key] !== undefined) {
    log.debug({ by: found.data[marker.key] }, 'stored objects were upgraded before');
    return 0;
  }
  const upgrade = new Upgrade(options);
  for (let share = firstShare; term.holds() && !(await upgrade.walk(share)); share *= 2);
  const { upgraded, failure } = upgrade;
  if (failure) throw failure.error;
  if (!term.holds()) return upgraded;
  await writeMarker(configMaps, found, options);
  log.info({ upgraded }, 'stored objects have the current spelling');
  return upgraded;
}

class Upgrade {
  readonly #options: UpgradeOptions;
  readonly #turns = new Map<string, Turn>();
  #tried = 0;
  upgraded = 0;
  /** Of the first object that failed. */
  failure: { readonly error: unknown } | undefined;

  constructor(options: UpgradeOptions) {
    this.#options = options;
  }

  /** False if namespaces have objects left. Each walk is over all kinds, so that no kind waits for all objects of another. */
  async walk(share: number): Promise<boolean> {
    let isDone = true;
    for (const kind of kinds) isDone = (await this.#walkKind(kind, share)) && isDone;
    return isDone;
  }

  async #walkKind(kind: Kind, share: number): Promise<boolean> {
    const triedBefore = this.#tried;
    try {
      return await this.#readPages(kind, share);
    } catch (error) {
      const code = error instanceof KubeError ? error.code : undefined;
      // A kind that is not installed has no objects.
      if (code === 'not-found') return true;
      // The pages have expired while their objects were rewritten: the rest, in new pages.
      if (code === 'gone' && this.#tried > triedBefore) return this.#walkKind(kind, share);
      throw error;
    }
  }

  async #readPages(kind: Kind, share: number): Promise<boolean> {
    const { transport, term } = this.#options;
    const request = {
      transport,
      kind: resources[kind],
      pageSize,
      signal: term.signal,
    };
    const resource = createResource<Stored>(transport, resources[kind]);
    let isDone = true;
    for await (const keys of listPages(request, (item) => oldKey(item as Stored, kind)))
      for (const key of keys) {
        if (!term.holds()) return true;
        const turn = this.#turnOf(kind, key);
        if (key.name <= turn.last) continue;
        if (turn.tried < share) await this.#rewrite(resource, { kind, key }, turn);
        else isDone = false;
      }
    return isDone;
  }

  #turnOf(kind: Kind, { namespace = '' }: ObjectKey): Turn {
    const id = `${kind} ${namespace}`;
    const turn = this.#turns.get(id) ?? { last: '', tried: 0, unchanged: 0 };
    this.#turns.set(id, turn);
    return turn;
  }

  async #rewrite(resource: ResourceClient<Stored>, old: OldObject, turn: Turn): Promise<void> {
    const { term, log, pause } = this.#options;
    turn.last = old.key.name;
    turn.tried += 1;
    this.#tried += 1;
    const why = await this.#whyUnchanged(resource, old, turn);
    if (why === undefined) this.upgraded += 1;
    else if (term.holds() && (turn.unchanged += 1) <= linesPerTurn)
      log.warn({ kind: old.kind, ...old.key, why }, 'object keeps its old spelling for now');
    await pause();
  }

  /** What one object can cause, by a webhook, its size or its content, does not keep others from being rewritten. */
  async #whyUnchanged(
    resource: ResourceClient<Stored>,
    old: OldObject,
    turn: Turn,
  ): Promise<string | undefined> {
    const { term } = this.#options;
    try {
      return await replaceOrRetry(resource, old, term);
    } catch (error) {
      const code = error instanceof KubeError ? error.code : undefined;
      if (code === 'aborted' || term.signal.aborted) throw error;
      this.failure ??= { error };
      if (code !== undefined && costly.has(code)) turn.tried += firstShare - 1;
      return error instanceof Error ? error.message : String(error);
    }
  }
}

/** Undefined if the object has today's spelling. Whole objects are read one by one, since together they may exceed the memory. */
function oldKey(item: Stored, kind: Kind): ObjectKey | undefined {
  const { name, namespace } = item.metadata;
  if (!canonicalise({ ...item, kind }).changed) return undefined;
  return namespace === undefined ? { name } : { name, namespace };
}

/** Undefined once the object has today's spelling or is gone; otherwise why it has not. */
async function replaceOrRetry(
  resource: ResourceClient<Stored>,
  { kind, key }: OldObject,
  term: LeaderTerm,
): Promise<string | undefined> {
  const { signal } = term;
  let why = 'the term is over';
  for (let attempt = 1; attempt <= attempts && term.holds(); attempt += 1) {
    try {
      const { object, changed } = canonicalise({
        ...(await resource.get(key, { signal })),
        kind,
      });
      if (!changed) return undefined;
      if (!term.holds()) return why;
      await resource.replace(object, { signal });
      return undefined;
    } catch (error) {
      if (!(error instanceof KubeError)) throw error;
      if (error.code === 'not-found') return undefined;
      // An old object that the schema refuses does not count as a failure.
      if (error.code === 'invalid') return error.message;
      if (error.code !== 'conflict') throw error;
      why = error.message;
    }
  }
  return why;
}

async function readMarker(
  configMaps: ResourceClient<ConfigMap>,
  { marker, term }: UpgradeOptions,
): Promise<ConfigMap | undefined> {
  try {
    return await configMaps.get({ namespace: marker.namespace, name: marker.name }, { signal: term.signal });
  } catch (error) {
    if (error instanceof KubeError && error.code === 'not-found') return undefined;
    throw error;
  }
}

async function writeMarker(
  configMaps: ResourceClient<ConfigMap>,
  found: ConfigMap | undefined,
  { marker, term }: UpgradeOptions,
): Promise<void> {
  const key = { namespace: marker.namespace, name: marker.name };
  const data = { [marker.key]: marker.version };
  const { signal } = term;
  try {
    if (found) await configMaps.patch(key, { data }, { signal });
    else await configMaps.create({ apiVersion: 'v1', kind: 'ConfigMap', metadata: key, data }, { signal });
  } catch (error) {
    // Another MIC set the marker at the same time.
    if (!(error instanceof KubeError && error.code === 'already-exists')) throw error;
  }
}
