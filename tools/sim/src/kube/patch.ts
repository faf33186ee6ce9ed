import { isDeepStrictEqual } from 'node:util';
import { isRecord, type Json } from './object.ts';

/** RFC 7396: null removes, records merge, anything else replaces. */
export function mergePatch(target: unknown, patch: unknown): unknown {
  if (!isRecord(patch)) return patch;
  const merged: Json = isRecord(target) ? { ...target } : {};
  for (const [key, value] of Object.entries(patch)) {
    if (value === null) Reflect.deleteProperty(merged, key);
    else merged[key] = mergePatch(merged[key], value);
  }
  return merged;
}

/** Why a JSON patch cannot be applied. */
export class PatchError extends Error {
  readonly kind: 'malformed' | 'inapplicable';

  constructor(kind: 'malformed' | 'inapplicable', message: string) {
    super(message);
    this.name = 'PatchError';
    this.kind = kind;
  }
}

const inapplicable = (message: string): PatchError => new PatchError('inapplicable', message);

/** RFC 6902 on a copy. */
export function jsonPatch(target: unknown, operations: unknown): unknown {
  if (!Array.isArray(operations)) throw new PatchError('malformed', 'a JSON patch is a list of operations');
  return operations.reduce<unknown>(applyOperation, structuredClone(target));
}

function applyOperation(document: unknown, operation: unknown): unknown {
  if (!isRecord(operation)) throw new PatchError('malformed', 'an operation is an object');
  const path = pointer(operation['path']);
  const { op, value } = operation;
  switch (op) {
    case 'add':
      return insert(document, path, value);
    case 'replace':
      find(document, path);
      return insert(take(document, path).rest, path, value);
    case 'remove':
      return take(document, path).rest;
    case 'move': {
      const { taken, rest } = take(document, pointer(operation['from']));
      return insert(rest, path, taken);
    }
    case 'copy':
      return insert(document, path, structuredClone(find(document, pointer(operation['from']))));
    case 'test':
      if (isDeepStrictEqual(find(document, path, 'lenient'), value)) return document;
      throw inapplicable(`testing value ${String(operation['path'])} failed`);
    default:
      throw new PatchError('malformed', `unexpected kind: ${String(op)}`);
  }
}

function pointer(text: unknown): readonly string[] {
  if (typeof text !== 'string') throw new PatchError('malformed', 'a path is a string');
  return text
    .split('/')
    .slice(1)
    .map((part) => part.replaceAll('~1', '/').replaceAll('~0', '~'));
}

function find(document: unknown, path: readonly string[], mode: 'strict' | 'lenient' = 'strict'): unknown {
  let found = document;
  for (const key of path) {
    const inner: unknown = Array.isArray(found)
      ? found[Number(key)]
      : isRecord(found)
        ? found[key]
        : undefined;
    if (inner === undefined && mode === 'strict') throw inapplicable(`missing path: /${path.join('/')}`);
    found = inner;
  }
  return found;
}

function insert(document: unknown, path: readonly string[], value: unknown): unknown {
  const key = path.at(-1);
  if (key === undefined) return value;
  const parent = find(document, path.slice(0, -1));
  if (Array.isArray(parent)) parent.splice(key === '-' ? parent.length : Number(key), 0, value);
  else if (isRecord(parent)) parent[key] = value;
  else throw inapplicable(`missing container: /${path.join('/')}`);
  return document;
}

function take(document: unknown, path: readonly string[]): { taken: unknown; rest: unknown } {
  const key = path.at(-1);
  const taken = find(document, path);
  if (key === undefined) return { taken, rest: undefined };
  const parent = find(document, path.slice(0, -1));
  if (Array.isArray(parent)) parent.splice(Number(key), 1);
  else if (isRecord(parent)) Reflect.deleteProperty(parent, key);
  return { taken, rest: document };
}
