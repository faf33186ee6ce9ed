// Rewrites objects in the spelling of 2018 to today's, once, before the first plan of a term.
// MIC's parsers accept any spelling; the upgrade is for kubectl, other tools and the original.
import { canonicalise, fieldLimits, resources, type Kind } from '@pod-identity/crd-types';
import {
  coreKinds,
  createResource,
  KubeError,
  type KubeTransport,
  type LeaderTerm,
  type ObjectKey,
  type ResourceClient,
  wholeObject,
} from '@pod-identity/kit/kube';
import type { Log } from '@pod-identity/kit/serve';
import type { ConfigMap } from './ledger.ts';

export interface UpgradeOptions {
  readonly transport: KubeTransport;
  readonly term: LeaderTerm;
  readonly log: Log;
  /** The original's ConfigMap and key: prevents a second upgrade by either MIC. */
  readonly marker: ObjectKey & { readonly namespace: string; readonly key: string; readonly version: string };
}

interface Stored {
  readonly metadata: { readonly name: string; readonly namespace?: string };
}

/** AzureAssignedIdentities last, as they contain copies of the others. */
const kinds: readonly Kind[] = [
  'AzureIdentity',
  'AzureIdentityBinding',
  'AzurePodIdentityException',
  'AzureAssignedIdentity',
];
/** Attempts on conflicts with other writers. */
const attempts = 3;

/** Returns the number of rewritten objects. Can be interrupted and repeated at any point. */
export async function upgradeStoredObjects(options: UpgradeOptions): Promise<number> {
  const { transport, log, marker } = options;
  const configMaps = createResource<ConfigMap>(transport, coreKinds.configMaps);
  const found = await readMarker(configMaps, options);
  if (found?.data?.[marker.key] !== undefined) {
    log.debug({ by: found.data[marker.key] }, 'stored objects were upgraded before');
    return 0;
  }
  let upgraded = 0;
  for (const kind of kinds) upgraded += await upgradeKind(kind, options);
  if (options.term.holds()) await writeMarker(configMaps, found, options);
  log.info({ upgraded }, 'stored objects have the current spelling');
  return upgraded;
}

async function upgradeKind(kind: Kind, { transport, term, log }: UpgradeOptions): Promise<number> {
  const { signal } = term;
  const resource = createResource<Stored>(transport, resources[kind]);
  const old = await listOld(resource, kind, signal);
  let upgraded = 0;
  for (const key of old) {
    if (!term.holds()) return upgraded;
    if (await replaceOrRetry(resource, { kind, key, term })) upgraded += 1;
    else log.warn({ kind, ...key }, 'object keeps its old spelling for now');
  }
  return upgraded;
}

/**
 * The names of objects that need a new spelling; none if the kind is not installed. Whole objects are read one by one afterwards, since
 * together they may exceed the memory.
 */
async function listOld(
  resource: ResourceClient<Stored>,
  kind: Kind,
  signal: AbortSignal,
): Promise<readonly ObjectKey[]> {
  try {
    const items = await resource.list({ signal, fields: fieldLimits[kind] });
    return items.filter((item) => canonicalise({ ...item, kind }).changed).map(keyOf);
  } catch (error) {
    if (error instanceof KubeError && error.code === 'not-found') return [];
    throw error;
  }
}

async function replaceOrRetry(
  resource: ResourceClient<Stored>,
  { kind, key, term }: { kind: Kind; key: ObjectKey; term: LeaderTerm },
): Promise<boolean> {
  const { signal } = term;
  for (let attempt = 1; attempt <= attempts && term.holds(); attempt += 1) {
    try {
      const { object } = canonicalise({
        ...(await resource.get(key, { signal, fields: wholeObject })),
        kind,
      });
      if (!term.holds()) return false;
      await resource.replace(object, { signal, fields: fieldLimits[kind] });
      return true;
    } catch (error) {
      if (!(error instanceof KubeError)) throw error;
      if (error.code === 'not-found') return true;
      // An old object that the schema refuses must not prevent MIC's start.
      if (error.code === 'invalid') return false;
      if (error.code !== 'conflict') throw error;
    }
  }
  return false;
}

async function readMarker(
  configMaps: ResourceClient<ConfigMap>,
  { marker, term }: UpgradeOptions,
): Promise<ConfigMap | undefined> {
  try {
    return await configMaps.get(
      { namespace: marker.namespace, name: marker.name },
      { signal: term.signal, fields: wholeObject },
    );
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

function keyOf({ metadata }: Stored): ObjectKey {
  const { name, namespace } = metadata;
  return namespace === undefined ? { name } : { name, namespace };
}
