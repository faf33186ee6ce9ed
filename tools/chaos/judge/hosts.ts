// The owner of an identity on a host: what users attached stays, and is never recorded as MIC's.
import type { AzureEvent, History, ObjectChange, Patch, Violation } from './history.ts';

/** `either`: users and MIC attached it at the same time, which has no answer. */
export type Owner = 'mic' | 'people' | 'either';

interface Entry {
  readonly owner: Owner;
  /** The identity's generation when it was attached: a different one now means a dead entry. */
  readonly generation: number;
  /** Detached by MIC to be attached again. */
  readonly isOff: boolean;
}

interface Ownership {
  readonly hosts: Map<string, Map<string, Entry>>;
  readonly generations: Map<string, number>;
  readonly patches: readonly Patch[];
  readonly violations: Violation[];
}

const sameMomentMs = 1_000;

type Event =
  | { readonly at: number; readonly azure: AzureEvent }
  | { readonly at: number; readonly patch: Patch }
  | { readonly at: number; readonly record: ObjectChange };

export interface HostsVerdict {
  readonly violations: readonly Violation[];
  /** By host, what users attached and has not been detached since; and what can be either's. */
  readonly people: ReadonlyMap<string, ReadonlySet<string>>;
  readonly either: ReadonlyMap<string, ReadonlySet<string>>;
}

export function judgeHosts(history: History): HostsVerdict {
  const state: Ownership = {
    hosts: new Map(),
    generations: new Map(),
    violations: [],
    patches: history.patches.filter(({ isAccepted }) => isAccepted),
  };
  const records = history.changes.filter(({ resource }) => resource === 'configmaps');
  const events: Event[] = [
    ...history.azure.map((azure) => ({ at: azure.at, azure })),
    ...state.patches.map((patch) => ({ at: patch.at, patch })),
    ...records.map((record) => ({ at: record.at, record })),
  ];
  for (const event of events.sort((a, b) => a.at - b.at)) {
    if ('azure' in event) foldAzure(state, event.azure);
    else if ('patch' in event) foldPatch(state, event.patch);
    else judgeRecord(state, event.record);
  }
  return { violations: state.violations, people: ownedBy(state, 'people'), either: ownedBy(state, 'either') };
}

function entriesOf({ hosts }: Ownership, host: string): Map<string, Entry> {
  const found = hosts.get(host) ?? new Map<string, Entry>();
  hosts.set(host, found);
  return found;
}

const generationOf = ({ generations }: Ownership, id: string): number => generations.get(id) ?? 0;

function foldAzure(state: Ownership, event: AzureEvent): void {
  if (!('host' in event)) {
    state.generations.set(event.id, generationOf(state, event.id) + 1);
    return;
  }
  const entries = entriesOf(state, event.host);
  if (!('id' in event)) entries.clear();
  else if (event.kind === 'detached') entries.delete(event.id);
  else {
    const before = entries.get(event.id);
    const owner = before?.owner ?? (isContested(state, event) ? 'either' : 'people');
    entries.set(event.id, { owner, generation: generationOf(state, event.id), isOff: false });
  }
}

function isContested(
  { patches }: Ownership,
  { at, host, id }: { at: number; host: string; id: string },
): boolean {
  return patches.some(
    (patch) => patch.host === host && patch.attaches.includes(id) && Math.abs(patch.at - at) < sameMomentMs,
  );
}

function foldPatch(state: Ownership, { at, component, host, attaches, detaches }: Patch): void {
  const entries = entriesOf(state, host);
  for (const id of detaches) {
    const entry = entries.get(id);
    if (entry === undefined) continue;
    if (entry.owner === 'mic') entries.delete(id);
    else if (entry.owner === 'people' && entry.generation === generationOf(state, id)) {
      const what = `${component} took ${id} off ${host}, where people had attached it`;
      state.violations.push({ at, rule: 'foreign', what });
      entries.delete(id);
    } else entries.set(id, { ...entry, isOff: true });
  }
  for (const id of attaches) {
    const entry = entries.get(id);
    const generation = generationOf(state, id);
    if (entry === undefined) entries.set(id, { owner: 'mic', generation, isOff: false });
    // Entries that exist are kept; a detached one is attached again.
    else if (entry.isOff) entries.set(id, { ...entry, generation, isOff: false });
  }
}

interface RecordText {
  readonly host?: { readonly id?: string };
  readonly ours?: readonly { readonly id: string; readonly confirmed?: boolean }[];
}

export function recordOf(configMap: ObjectChange['object']): RecordText {
  const { 'record.json': text = '{}' } = (configMap?.['data'] ?? {}) as Record<string, string>;
  return JSON.parse(text) as RecordText;
}

function judgeRecord(state: Ownership, { at, object }: ObjectChange): void {
  const { host, ours = [] } = recordOf(object);
  const entries = entriesOf(state, (host?.id ?? '').toLowerCase());
  for (const { id, confirmed } of ours) {
    if (confirmed !== true || entries.get(id.toLowerCase())?.owner !== 'people') continue;
    const what = `the record of ${host?.id ?? ''} says that ${id} is MIC's, which people had attached`;
    state.violations.push({ at, rule: 'foreign', what });
  }
}

function ownedBy({ hosts }: Ownership, owner: Owner): Map<string, Set<string>> {
  return new Map(
    [...hosts].map(([host, entries]) => [
      host,
      new Set([...entries].filter(([, entry]) => entry.owner === owner).map(([id]) => id)),
    ]),
  );
}
