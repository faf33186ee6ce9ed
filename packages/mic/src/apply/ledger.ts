// Records which identities MIC attached to which host, and until when hosts and identities are not retried, in one ConfigMap for each host
// in MIC's own namespace, where editors of other namespaces cannot forge it. Why: docs/contributor/decisions.md#what-mic-attached.
import { KubeError, type LeaderTerm, type ResourceClient } from '@pod-identity/kit/kube';
import type { Log } from '@pod-identity/kit/serve';
import type { HostRecord } from '../snapshot/facts/facts.ts';
import { isEmptyRecord, recordName, parseRecord, serialiseRecord } from '../snapshot/facts/host-record.ts';

export interface ConfigMap {
  readonly apiVersion: 'v1';
  readonly kind: 'ConfigMap';
  readonly metadata: {
    readonly name: string;
    readonly namespace?: string;
    readonly resourceVersion?: string;
    readonly labels?: Readonly<Record<string, string>>;
    readonly annotations?: Readonly<Record<string, string>>;
  };
  readonly data?: Readonly<Record<string, string>>;
}

export type SaveOutcome =
  | { readonly kind: 'saved' }
  /** Another leader or a person wrote this host's record, returned here; the own one was not written. */
  | { readonly kind: 'overtaken'; readonly record: HostRecord | undefined }
  | { readonly kind: 'fenced' }
  | { readonly kind: 'failed'; readonly message: string };

export interface LedgerOptions {
  readonly configMaps: ResourceClient<ConfigMap>;
  readonly namespace: string;
  readonly term: LeaderTerm;
  readonly log: Log;
  /** MIC's own object id, if known. */
  readonly principalId?: () => string | undefined;
}

const recordLabel = 'aadpodidentity.k8s.io/host-record';
const hostAnnotation = 'aadpodidentity.k8s.io/host';
const principalAnnotation = 'aadpodidentity.k8s.io/mic-principal-id';
/** An object id is a word of commands that administrators paste into a shell. */
const objectId = /^\w[\w-]{0,63}$/;
const dataKey = 'record.json';

interface Stored {
  /** Empty for an unreadable record: the next save replaces it. */
  readonly text: string;
  readonly resourceVersion: string;
}

export class Ledger {
  readonly #options: LedgerOptions;
  /** By the name of the ConfigMap. */
  readonly #stored = new Map<string, Stored>();
  #writer: string | undefined;

  constructor(options: LedgerOptions) {
    this.#options = options;
  }

  /** Reads all records. To be called once, at the start of a term, before `save`. */
  async load(): Promise<readonly HostRecord[]> {
    const { configMaps, namespace, term } = this.#options;
    this.#stored.clear();
    const { signal } = term;
    const items = await configMaps.list({
      namespace,
      labelSelector: recordLabel,
      signal,
    });
    return items.map((configMap) => this.#read(configMap)).filter((record) => record !== undefined);
  }

  /** The object id of the MIC that wrote the records, if known: for commands that name it. */
  principalId(): string | undefined {
    return this.#options.principalId?.() ?? this.#writer;
  }

  /** Writes the record durably, unless it equals the stored one. One call at a time for each host. */
  async save(record: HostRecord): Promise<SaveOutcome> {
    const { term } = this.#options;
    const text = isEmptyRecord(record) ? undefined : serialiseRecord(record);
    const known = this.#stored.get(recordName(record.host));
    // An unreadable record (perhaps of a newer MIC) is replaced by a record with content, but not deleted for an empty one.
    if (known?.text === text || (text === undefined && known?.text === '')) return { kind: 'saved' };
    if (!term.holds()) return { kind: 'fenced' };
    try {
      await this.#write(record, text, known);
      return { kind: 'saved' };
    } catch (error) {
      return isOvertaken(error) ? this.#readAgain(record) : failure(error);
    }
  }

  /** Deletes an empty record. */
  async #write(record: HostRecord, text: string | undefined, known: Stored | undefined): Promise<void> {
    const { configMaps, namespace, term } = this.#options;
    const { signal } = term;
    const key = { namespace, name: recordName(record.host) };
    if (text === undefined) {
      if (known) await configMaps.delete(key, { resourceVersion: known.resourceVersion, signal });
      this.#stored.delete(key.name);
      return;
    }
    const configMap = toConfigMap(key, record, { text, principalId: this.principalId() });
    const { metadata } = known
      ? await configMaps.replace(versioned(configMap, known.resourceVersion), { signal })
      : await configMaps.create(configMap, { signal });
    this.#stored.set(key.name, { text, resourceVersion: metadata.resourceVersion ?? '' });
  }

  #read(configMap: ConfigMap): HostRecord | undefined {
    const { name, resourceVersion = '', annotations } = configMap.metadata;
    const writer = annotations?.[principalAnnotation];
    if (writer !== undefined && objectId.test(writer)) this.#writer = writer;
    const parsed = parseRecord(configMap.data?.[dataKey] ?? '');
    this.#stored.set(name, { text: parsed.ok ? serialiseRecord(parsed.value) : '', resourceVersion });
    if (parsed.ok) return parsed.value;
    // Without the record no identity of that host counts as MIC's: nothing is detached there, which is safe.
    this.#options.log.error({ configMap: name, problems: parsed.problems }, 'host record is unreadable');
    return undefined;
  }

  async #readAgain({ host }: HostRecord): Promise<SaveOutcome> {
    const { configMaps, namespace, term } = this.#options;
    const key = { namespace, name: recordName(host) };
    this.#stored.delete(key.name);
    try {
      const record = this.#read(await configMaps.get(key, { signal: term.signal }));
      return { kind: 'overtaken', record };
    } catch (error) {
      if (error instanceof KubeError && error.code === 'not-found')
        return { kind: 'overtaken', record: undefined };
      return failure(error);
    }
  }
}

function isOvertaken(error: unknown): boolean {
  return error instanceof KubeError && ['conflict', 'already-exists', 'not-found'].includes(error.code);
}

function failure(error: unknown): SaveOutcome {
  if (!(error instanceof KubeError)) throw error;
  return error.code === 'aborted' ? { kind: 'fenced' } : { kind: 'failed', message: error.message };
}

function toConfigMap(
  key: { readonly name: string; readonly namespace: string },
  { host }: HostRecord,
  { text, principalId }: { readonly text: string; readonly principalId: string | undefined },
): ConfigMap {
  const labels = { [recordLabel]: host.kind };
  const annotations = {
    [hostAnnotation]: host.id,
    ...(principalId !== undefined && { [principalAnnotation]: principalId }),
  };
  return {
    apiVersion: 'v1',
    kind: 'ConfigMap',
    metadata: { ...key, labels, annotations },
    data: { [dataKey]: text },
  };
}

function versioned(configMap: ConfigMap, resourceVersion: string): ConfigMap {
  return { ...configMap, metadata: { ...configMap.metadata, resourceVersion } };
}
