import { at, isRecord, type Json, type KubeObject } from './object.ts';
import { toObject } from './record.ts';
import type { PrinterColumn, ResourceType } from './resources.ts';
import type { Stored } from './stored.ts';

/** What kubectl prints: https://kubernetes.io/docs/reference/using-api/api-concepts/#receiving-resources-as-tables */
const builtInColumns: Readonly<Record<string, readonly PrinterColumn[]>> = {
  pods: [
    { name: 'Status', type: 'string', jsonPath: '.status.phase' },
    { name: 'IP', type: 'string', jsonPath: '.status.podIP' },
    { name: 'Node', type: 'string', jsonPath: '.spec.nodeName' },
  ],
  namespaces: [{ name: 'Status', type: 'string', jsonPath: '.status.phase' }],
  events: [
    { name: 'Type', type: 'string', jsonPath: '.type' },
    { name: 'Reason', type: 'string', jsonPath: '.reason' },
    { name: 'Object', type: 'string', jsonPath: '.involvedObject.name' },
    { name: 'Message', type: 'string', jsonPath: '.message' },
  ],
  leases: [{ name: 'Holder', type: 'string', jsonPath: '.spec.holderIdentity' }],
};

const age: PrinterColumn = { name: 'Age', type: 'date', jsonPath: '.metadata.creationTimestamp' };

function columnsOf(type: ResourceType): readonly PrinterColumn[] {
  if (type.builtIn) return [...(builtInColumns[type.plural] ?? []), age];
  return type.columns.length > 0 ? type.columns : [age];
}

/** The steps of the paths that printer columns use: `.spec.type`, `.status.conditions[?(@.type=="Ready")].status`. */
const step = /\.([A-Za-z0-9_-]+)|\[\?\(@\.([A-Za-z0-9_]+)==["']([^"']*)["']\)\]|\[(\d+)\]/g;

function readPath(object: unknown, path: string): unknown {
  let found = object;
  for (const [, key, filterKey, wanted, position] of path.matchAll(step)) {
    if (key !== undefined) found = at(found, key);
    else if (!Array.isArray(found)) return undefined;
    else if (filterKey === undefined) found = (found as readonly unknown[])[Number(position)];
    else found = (found as readonly unknown[]).find((item) => isRecord(item) && item[filterKey] === wanted);
  }
  return found;
}

/** An age as in kubectl: `45s`, `3m`, `2h`, `5d`. */
function humanAge(since: unknown, now: number): string {
  const seconds = Math.max(0, Math.floor((now - Date.parse(String(since))) / 1000));
  if (Number.isNaN(seconds)) return '<unknown>';
  if (seconds < 120) return `${seconds}s`;
  if (seconds < 7200) return `${Math.floor(seconds / 60)}m`;
  return seconds < 172_800 ? `${Math.floor(seconds / 3600)}h` : `${Math.floor(seconds / 86_400)}d`;
}

function cell(object: KubeObject, column: PrinterColumn, now: number): unknown {
  const value = readPath(object, column.jsonPath);
  if (column.type === 'date') return value === undefined ? null : humanAge(value, now);
  return isRecord(value) || Array.isArray(value) ? JSON.stringify(value) : (value ?? null);
}

export interface TableRequest {
  readonly type: ResourceType;
  readonly items: readonly Stored[];
  readonly metadata: Json;
  /** The object beside the cells of each row. */
  readonly include: 'None' | 'Metadata' | 'Object';
  readonly now: number;
}

export function tableOf({ type, items, metadata, include, now }: TableRequest): Json {
  const columns = columnsOf(type);
  const beside = (object: KubeObject) => {
    if (include === 'None') return {};
    if (include === 'Object') return { object };
    return {
      object: { kind: 'PartialObjectMetadata', apiVersion: 'meta.k8s.io/v1', metadata: object.metadata },
    };
  };
  const name = { name: 'Name', type: 'string', format: 'name', description: '', priority: 0 };
  const definitions = columns.map(({ name, type: kind, description = '', priority = 0 }) => ({
    // Not `date`, because kubectl would format the ages again.
    name,
    type: kind === 'date' ? 'string' : kind,
    format: '',
    description,
    priority,
  }));
  return {
    kind: 'Table',
    apiVersion: 'meta.k8s.io/v1',
    metadata,
    columnDefinitions: [name, ...definitions],
    rows: items.map((stored) => {
      const object = toObject(type, stored);
      return {
        cells: [stored.name, ...columns.map((column) => cell(object, column, now))],
        ...beside(object),
      };
    }),
  };
}
